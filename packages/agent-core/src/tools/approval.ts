import { sha256Hex } from '@modelhost/kernel';
import type { ApprovalFact, Decision, SignalPayload, ValueOrigin } from '@modelhost/kernel';
import type { ActiveRun } from '../active-run.ts';
import { reasonsText, refusalText } from '../policy/decisions.ts';
import { rootOf } from '../root-run.ts';
import { countVotes, isVoteWanted } from './approval-votes.ts';
import { recordOf } from './tool-records.ts';
import type { CheckedCall } from './tool-records.ts';
import { deniedVerdict } from './tool-verdict.ts';
import type { ToolVerdict } from './tool-verdict.ts';

type HeldDecision = Extract<Decision, { effect: 'hold' }>;
type Vote = Extract<SignalPayload, { type: 'approval' }>;

/** Votes that one approval takes, those that do not count included; more end it. */
const votesMax = 32;

/** Votes that are enough, as a fact for policy, or the verdict on the call. */
export type ApprovalAnswer =
  | { readonly fact: ApprovalFact }
  | { readonly fact: undefined; readonly verdict: ToolVerdict };

/** What is brought before people. */
interface Asked {
  readonly call: CheckedCall;
  readonly decision: HeldDecision;
  readonly approvalId: string;
  readonly expiresAtMs: number;
}

/**
 * Asks people about exactly this call, and waits for their votes one after the other, as long as decision and agent let it.
 * A no ends it. What is held for another reason than an approval is denied: nothing else can be waited for here.
 */
export async function askApproval(
  run: ActiveRun,
  call: CheckedCall,
  { decision, origins }: { decision: HeldDecision; origins: readonly ValueOrigin[] },
): Promise<ApprovalAnswer> {
  const others = decision.remedies.filter((remedy) => remedy !== 'approval');
  if (others.length > 0 || decision.gates.length === 0) {
    return refuse(call, decision);
  }
  const approvalId = `apr_${sha256Hex(`${rootOf(run.input)}\0${call.base}`).slice(0, 26)}`;
  const timeoutMs = Math.min(decision.ttlMs, run.input.agent.approvalTimeoutMs);
  const askedAtMs = await run.context.now(`${call.base}/approval-asked`);
  const asked: Asked = { call, decision, approvalId, expiresAtMs: askedAtMs + timeoutMs };
  run.count('approvals');
  run.context.emit(call.base, {
    type: 'approval-requested',
    approvalId,
    callId: call.call.id,
    tool: call.tool.name,
    arguments: call.argumentsText,
    callDigest: call.callDigest,
    gates: decision.gates,
    origins,
    expiresAtMs: asked.expiresAtMs,
  });
  return collectVotes(run, asked, askedAtMs);
}

async function collectVotes(
  run: ActiveRun,
  asked: Asked,
  askedAtMs: number,
): Promise<ApprovalAnswer> {
  const { call, decision, expiresAtMs } = asked;
  const { gates } = decision;
  const asker = run.input.principal.subject;
  const votes: { readonly subject: string; readonly roles: readonly string[] }[] = [];
  let nowMs = askedAtMs;
  for (let round = 1; round <= votesMax; round += 1) {
    const { approvers, refused } = countVotes(gates, votes, asker);
    const vote = await awaitVote(run, asked, round, {
      timeoutMs: Math.max(0, expiresAtMs - nowMs),
      approvers,
      refused,
    });
    const { by, roles } = vote;
    // The edge has refused such a vote already, but what a call rests on does not rest on that.
    const isWanted = isVoteWanted(gates, votes, { asker, subject: by, roles });
    if (vote.approved && isWanted) votes.push({ subject: by, roles });
    const { votesMissing } = countVotes(gates, votes, asker);
    nowMs = await recordVote(run, asked, { round, vote, votesMissing, isCounted: isWanted });
    if (!vote.approved) return refusal(run, asked, vote);
    if (votesMissing === 0) {
      tellResolved(run, asked, vote);
      return { fact: { callDigest: call.callDigest, votes, expiresAtMs } };
    }
    if (isWanted) tellVote(run, asked, by, votesMissing);
  }
  return refusal(run, asked, { by: 'host', comment: `${votesMax} votes were not enough` });
}

async function awaitVote(
  run: ActiveRun,
  { approvalId }: Asked,
  round: number,
  options: {
    readonly timeoutMs: number;
    readonly approvers: readonly string[];
    readonly refused: readonly string[];
  },
): Promise<Omit<Vote, 'type'>> {
  const signal = await run.context.waitForSignal(`approval/${approvalId}/${round}`, options);
  if (signal?.type === 'approval') return signal;
  return { approved: false, by: 'timeout', roles: [], comment: 'nobody answered in time' };
}

/** One record for each vote. Gives the time at which it was there. */
async function recordVote(
  run: ActiveRun,
  { call, approvalId }: Asked,
  cast: {
    readonly round: number;
    readonly vote: Omit<Vote, 'type'>;
    readonly votesMissing: number;
    readonly isCounted: boolean;
  },
): Promise<number> {
  const { round, vote, votesMissing, isCounted } = cast;
  const { approved, by } = vote;
  const { error, atMs } = await run.context.step(`${call.base}/approval-${round}`, async (info) => {
    const facts = { approvalId, approved, vote: round, votesMissing, isCounted };
    const record = { ...recordOf(run, call, 'approval', facts), actor: by };
    return { error: await run.tryRecord(record), atMs: info.now() };
  });
  if (error !== null) run.fail(error);
  return atMs;
}

function tellVote(run: ActiveRun, asked: Asked, by: string, votesMissing: number): void {
  const { approvalId, call } = asked;
  const callId = call.call.id;
  run.context.emit(call.base, { type: 'approval-vote', approvalId, callId, by, votesMissing });
}

function tellResolved(
  run: ActiveRun,
  { approvalId, call }: Asked,
  { approved, by, comment }: Pick<Vote, 'approved' | 'by' | 'comment'>,
): void {
  const callId = call.call.id;
  const resolved = { approvalId, callId, approved, by, comment };
  run.context.emit(call.base, { type: 'approval-resolved', ...resolved });
}

function refusal(
  run: ActiveRun,
  asked: Asked,
  { by, comment }: Pick<Vote, 'by' | 'comment'>,
): ApprovalAnswer {
  tellResolved(run, asked, { approved: false, by, comment });
  const { call, decision } = asked;
  const isByPerson = by !== 'timeout' && by !== 'host';
  const why = isByPerson ? 'a person refused the call' : 'nobody approved the call in time';
  const message = `${why} (${reasonsText(decision)})`;
  const verdict = deniedVerdict(call.tool.name, message, 'approval-refused');
  return { fact: undefined, verdict };
}

/** Nobody can be asked: something else is needed, or the approval of nobody. */
function refuse({ tool }: CheckedCall, decision: HeldDecision): ApprovalAnswer {
  const rule = decision.reasons[0]?.rule ?? '';
  const verdict = deniedVerdict(tool.name, refusalText(decision), rule);
  return { fact: undefined, verdict };
}

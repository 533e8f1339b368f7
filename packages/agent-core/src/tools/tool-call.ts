import { HostError, toErrorData } from '@modelhost/kernel';
import type {
  ErrorCode,
  ErrorData,
  Json,
  JsonObject,
  StepOptions,
  ToolInputRequest,
  ToolInvocation,
  ToolReply,
} from '@modelhost/kernel';
import type { ActiveRun } from '../active-run.ts';
import type { StepWork } from '../guarded-context.ts';
import { hideInError } from '../hiding/hide-in-event.ts';
import { labelsOfFailure } from '../policy/data-labels.ts';
import { acceptResult, recordResult, verdictOnResult } from './accept-result.ts';
import type { AcceptedResult, RawResult } from './accept-result.ts';
import { createCallProgress } from './call-progress.ts';
import type { TimedProgress } from './call-progress.ts';
import { awaitClient } from './client-call.ts';
import { createIncoming } from './incoming.ts';
import type { Incoming } from './incoming.ts';
import { answerRequests, checkRequests, hideInRequests } from './input/tool-input.ts';
import type { InputRequests } from './input/tool-input.ts';
import { forgedMessage, outgoingArguments, revealFacts } from './outgoing.ts';
import { answeredOf, decisionRecord, recordIntent, recordOf } from './tool-records.ts';
import type { AllowedCall } from './tool-records.ts';
import { deniedVerdict, ownVerdict, refused } from './tool-verdict.ts';
import type { ToolVerdict } from './tool-verdict.ts';

/** How often one call may ask for input before it is given up. */
const inputRoundsMax = 8;

/** Runs an allowed call, through every round in which it asks for input. */
export async function performCall(run: ActiveRun, call: AllowedCall): Promise<ToolVerdict> {
  if (call.tool.executor === 'client') return awaitClient(run, call);
  let taken = await takeRound(run, call, {
    name: `${call.base}/call`,
    // Decision and intent are on record before the call starts.
    begin: async ({ attempt }, facts) =>
      recordIntent(run, call, call.decision, { attempt, ...facts }),
    resume: undefined,
    before: [],
  });
  for (let round = 1; taken.end.kind === 'input-required'; round += 1) {
    const { state, requests } = taken.end;
    const answered =
      round > inputRoundsMax
        ? { error: tooManyRounds(call) }
        : await answerOrAbandon(run, call, { round, state, requests });
    if ('error' in answered) return giveUp(run, call, { state, error: answered.error });
    taken = await takeRound(run, call, {
      name: `${call.base}/call-${round + 1}`,
      begin: undefined,
      resume: { state, answers: answered.answers },
      before: taken.progress,
    });
  }
  return verdictOf(run, call, taken.end);
}

type Facts = Readonly<Record<string, Json>>;

/** One exchange with the tool. */
interface Round {
  readonly name: string;
  /** Puts on record what must be there before the tool does anything. */
  readonly begin: ((info: StepWork, facts: Facts) => Promise<ErrorData | null>) | undefined;
  readonly resume: ToolInvocation['resume'] | undefined;
  /** What the rounds before told of their progress. */
  readonly before: readonly TimedProgress[];
}

/** The journaled result of a round. */
interface TakenRound {
  readonly end: RoundEnd;
  /** Of this round and all before it. */
  readonly progress: readonly TimedProgress[];
}

/** `unaudited` ends the run, `input-required` goes on, the others are for the model. */
type RoundEnd =
  | { readonly kind: 'answered'; readonly result: AcceptedResult }
  | { readonly kind: 'input-required'; readonly state: string; readonly requests: InputRequests }
  | { readonly kind: 'failed'; readonly error: ErrorData }
  /** The argument at this path has a placeholder that the run never gave out. */
  | { readonly kind: 'forged'; readonly path: string }
  | { readonly kind: 'cancelled' }
  /** The call went out and no answer came back; `error` says why, if anything does. */
  | { readonly kind: 'unknown'; readonly error: ErrorData | null }
  | { readonly kind: 'unaudited'; readonly error: ErrorData };

async function takeRound(run: ActiveRun, call: AllowedCall, round: Round): Promise<TakenRound> {
  const { before, name } = round;
  const body = async (info: StepWork): Promise<TakenRound> => {
    const incoming = createIncoming(run, answeredOf(call), info);
    const { emit } = info;
    const progress = createCallProgress({ callId: call.call.id, emit, incoming, before });
    const end = await callTool(run, call, round, {
      info,
      incoming,
      onProgress: (told) => progress.add(told),
    });
    return { end, progress: [...before, ...(await progress.end())] };
  };
  const options: StepOptions<TakenRound> = {
    events: ({ progress }) => progress.slice(before.length),
  };
  // The step may take longer than the tool: its records are written around the call.
  if (isRepeatable(call)) return run.context.step(name, body, options);
  const once = await run.context.atMostOnce(name, body, options);
  if (once.kind === 'done') return once.value;
  return { end: { kind: 'unknown', error: null }, progress: before };
}

interface RoundWork {
  readonly info: StepWork;
  readonly incoming: () => Promise<Incoming>;
  readonly onProgress: Parameters<ActiveRun['ports']['tools']['callTool']>[1]['onProgress'] & {};
}

async function callTool(
  run: ActiveRun,
  call: AllowedCall,
  round: Round,
  work: RoundWork,
): Promise<RoundEnd> {
  const { info } = work;
  const { session } = run;
  const outgoing = outgoingArguments(
    { session, redactor: info.redactor },
    call.values,
    call.decision,
  );
  if (outgoing.type === 'refused') return refuseForged(run, call, outgoing.path);
  const begun = round.begin?.(info, revealFacts(outgoing)) ?? Promise.resolve(null);
  if (call.tool.effect !== 'none') {
    const unaudited = await begun;
    if (unaudited !== null) return { kind: 'unaudited', error: unaudited };
  }
  if (info.signal.aborted) return stoppedBefore(round, call);
  const came = await callGateway(run, call, round, { ...work, outgoing: outgoing.arguments });
  const unaudited = await begun;
  if (unaudited === null) return settleRound(run, call, { came, info });
  if (came.kind === 'input-required') abandon(run, came.state);
  return { kind: 'unaudited', error: unaudited };
}

/** What came of an exchange, before policy has seen an answer. */
type Came =
  | Exclude<RoundEnd, { kind: 'answered' | 'unaudited' | 'forged' }>
  | { readonly kind: 'answered'; readonly raw: RawResult };

/** Lets policy look at an answer, and puts the outcome on record. */
async function settleRound(
  run: ActiveRun,
  call: AllowedCall,
  { came, info }: { readonly came: Came; readonly info: StepWork },
): Promise<RoundEnd> {
  if (came.kind === 'input-required') return came;
  if (came.kind !== 'answered') {
    const unaudited = await recordOutcome(run, call, came);
    return unaudited === null ? came : { kind: 'unaudited', error: unaudited };
  }
  const { raw } = came;
  const { redactor } = info;
  const result = await acceptResult(run, answeredOf(call), { raw, nowMs: info.now(), redactor });
  const unaudited = await recordResult(run, call, { outcome: 'answered', raw, result, redactor });
  return unaudited === null
    ? { kind: 'answered', result }
    : { kind: 'unaudited', error: unaudited };
}

async function callGateway(
  run: ActiveRun,
  call: AllowedCall,
  { resume }: Round,
  { info, incoming, onProgress, outgoing }: RoundWork & { readonly outgoing: JsonObject },
): Promise<Came> {
  const { toolCallTimeoutMs } = run.input.agent;
  const { timeoutMsMax = toolCallTimeoutMs } = call.decision.obligations.limits;
  try {
    const reply = await run.ports.tools.callTool(
      {
        tool: call.tool.name,
        arguments: outgoing,
        principal: run.input.principal,
        idempotencyKey: info.idempotencyKey,
        timeoutMs: Math.min(toolCallTimeoutMs, timeoutMsMax),
        canAnswer: answerableOf(run, call),
        ...(resume === undefined ? {} : { resume }),
      },
      { signal: info.signal, onProgress },
    );
    if (reply.type === 'answer') return { kind: 'answered', raw: reply };
    const requests = await readRequests(run, call, { reply, incoming });
    return { kind: 'input-required', state: reply.state, requests };
  } catch (thrown) {
    if (info.signal.aborted) return stoppedWithin(call);
    const told = toErrorData(thrown);
    const isAnswered = told.facts['sent'] !== 'true' || !unansweredCodes.has(told.code);
    const { change, refusal } = await incoming();
    const error =
      refusal === undefined
        ? hideInError(told, change)
        : { ...told, message: refusal.message, facts: refusal.facts };
    return { kind: isRepeatable(call) || isAnswered ? 'failed' : 'unknown', error };
  }
}

/** Throws for a question that nobody is going to answer. */
async function readRequests(
  run: ActiveRun,
  { tool }: AllowedCall,
  asked: {
    readonly reply: Extract<ToolReply, { type: 'input-required' }>;
    readonly incoming: () => Promise<Incoming>;
  },
): Promise<InputRequests> {
  const { reply, incoming } = asked;
  try {
    checkRequests(tool, reply);
    const told = await incoming();
    if (told.refusal !== undefined) throw told.refusal;
    return hideInRequests(reply.requests, told);
  } catch (thrown) {
    abandon(run, reply.state);
    throw thrown;
  }
}

/** The decision stands, but the call does not: a placeholder was made up, or comes from elsewhere. */
async function refuseForged(run: ActiveRun, call: AllowedCall, path: string): Promise<RoundEnd> {
  const facts = { outcome: 'denied', code: 'policy_violation', forgedPlaceholder: path };
  const [undecided, unrecorded] = await Promise.all([
    run.tryRecord(decisionRecord(run, call, call.decision)),
    run.tryRecord(recordOf(run, call, 'outcome', facts)),
  ]);
  const unaudited = undecided ?? unrecorded;
  return unaudited === null ? { kind: 'forged', path } : { kind: 'unaudited', error: unaudited };
}

/** Tells the server that nobody goes on with a call that waits for input. */
function abandon({ ports, input }: ActiveRun, state: string): void {
  ports.tools.abandonCall(input.principal, state);
}

/** A run brings an elicitation before a person, and lets the servers that its agent names ask its model. */
function answerableOf(
  { input }: ActiveRun,
  { tool }: AllowedCall,
): readonly ToolInputRequest['method'][] {
  const maySample = input.agent.samplingServers.includes(tool.server);
  return ['elicitation/create', ...(maySample ? (['sampling/createMessage'] as const) : [])];
}

/** Errors after which nobody knows what a call that went out has done. */
const unansweredCodes: ReadonlySet<ErrorCode> = new Set(['mcp_timeout', 'mcp_connection_failed']);

function isRepeatable({ tool }: AllowedCall): boolean {
  return tool.effect === 'none' || tool.effect === 'idempotent';
}

type Stopped = Extract<RoundEnd, { kind: 'cancelled' | 'unknown' }>;

function stoppedBefore({ resume }: Round, call: AllowedCall): Stopped {
  return resume === undefined ? { kind: 'cancelled' } : stoppedWithin(call);
}

function stoppedWithin(call: AllowedCall): Stopped {
  return isRepeatable(call) ? { kind: 'cancelled' } : { kind: 'unknown', error: null };
}

async function recordOutcome(
  run: ActiveRun,
  call: AllowedCall,
  end: Extract<RoundEnd, { kind: 'failed' | 'cancelled' | 'unknown' }>,
): Promise<ErrorData | null> {
  const code = 'error' in end ? (end.error?.code ?? '') : '';
  return run.tryRecord(recordOf(run, call, 'outcome', { outcome: end.kind, code }));
}

interface Asked {
  readonly round: number;
  readonly state: string;
  readonly requests: InputRequests;
}

/** Answers what the tool asks for. When the run is stopped meanwhile, the call that is left half done gets its outcome. */
async function answerOrAbandon(
  run: ActiveRun,
  call: AllowedCall,
  asked: Asked,
): ReturnType<typeof answerRequests> {
  try {
    return await answerRequests(run, call, asked);
  } catch (thrown) {
    if (run.context.signal.aborted) {
      const record = async (): Promise<ErrorData | null> => {
        abandon(run, asked.state);
        return recordOutcome(run, call, stoppedWithin(call));
      };
      // The run ends as stopped, whatever becomes of this record.
      await run.context
        .step(`${call.base}/abandoned`, record, { isCleanup: true })
        .catch(() => null);
    }
    throw thrown;
  }
}

/** Ends a call that cannot have what it asks for. */
async function giveUp(
  run: ActiveRun,
  call: AllowedCall,
  { state, error }: { readonly state: string; readonly error: ErrorData },
): Promise<ToolVerdict> {
  const unaudited = await run.context.step(`${call.base}/given-up`, async () => {
    abandon(run, state);
    return recordOutcome(run, call, { kind: 'failed', error });
  });
  if (unaudited !== null) run.fail(unaudited);
  return refused('failed', error);
}

function tooManyRounds({ tool }: AllowedCall): ErrorData {
  return toErrorData(
    new HostError(
      'mcp_protocol_error',
      `${tool.name} asked for input more than ${inputRoundsMax} times`,
      { facts: { tool: tool.name, rounds_max: String(inputRoundsMax) } },
    ),
  );
}

function verdictOf(
  run: ActiveRun,
  call: AllowedCall,
  end: Exclude<RoundEnd, { kind: 'input-required' }>,
): ToolVerdict {
  switch (end.kind) {
    case 'answered':
      return verdictOnResult(run, call, { result: end.result, answered: answeredOf(call) });
    case 'failed':
      return { ...refused('failed', end.error), labels: labelsOfFailure(call.tool) };
    case 'forged':
      return deniedVerdict(call.tool.name, forgedMessage(end.path), 'placeholder-unknown');
    case 'cancelled':
      return ownVerdict('cancelled', 'The call was cancelled.');
    case 'unknown': {
      const why = end.error === null ? 'The call was interrupted' : end.error.message;
      const content = `${why}. Whether it had its effect is unknown; it is not repeated.`;
      const verdict = ownVerdict('unknown', content, end.error ?? undefined);
      return end.error === null ? verdict : { ...verdict, labels: labelsOfFailure(call.tool) };
    }
    case 'unaudited':
      return run.fail(end.error);
  }
}

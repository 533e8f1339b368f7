import { canonicalJson } from '@modelhost/kernel';
import type { ApprovalFact, Decision, ErrorData, ValueOrigin } from '@modelhost/kernel';
import type { ActiveRun } from '../active-run.ts';
import { amountsOf } from '../budgets/call-sums.ts';
import { findEvidence } from '../evidence/find-evidence.ts';
import type { StepWork } from '../guarded-context.ts';
import type { Place } from '../line.ts';
import { decisionEvent, reasonsText } from '../policy/decisions.ts';
import { questionOf } from '../policy/policy-question.ts';
import { askApproval } from './approval.ts';
import { performCall } from './tool-call.ts';
import { decisionRecord, recordIntent } from './tool-records.ts';
import type { CheckedCall } from './tool-records.ts';
import { deniedVerdict } from './tool-verdict.ts';
import type { ToolVerdict } from './tool-verdict.ts';

/** Takes a checked call through policy and, where policy wants it, past people; and performs it once it is allowed. */
export async function governCall(
  run: ActiveRun,
  call: CheckedCall,
  place: Place,
): Promise<ToolVerdict> {
  if (place.turn !== undefined) await place.turn;
  const first = await decide(run, call, { step: 'decide', approval: undefined });
  place.pass();
  const { decision } = first;
  switch (decision.effect) {
    case 'allow':
      return perform(run, call, first);
    case 'deny':
      return denied(call, decision);
    case 'hold': {
      const asked = await askApproval(run, call, { decision, origins: first.origins });
      if (asked.fact === undefined) return asked.verdict;
      const second = await decide(run, call, { step: 'decide-approved', approval: asked.fact });
      return second.decision.effect === 'allow'
        ? perform(run, call, second)
        : denied(call, second.decision);
    }
  }
}

interface Decided {
  readonly decision: Decision;
  /** For people: where the values of a held call come from. */
  readonly origins: readonly ValueOrigin[];
  /** Call it once an allowed call is finished. */
  readonly end: () => void;
}

async function perform(
  run: ActiveRun,
  call: CheckedCall,
  { decision, end }: Decided,
): Promise<ToolVerdict> {
  run.callsMade.add(call.call.id);
  try {
    const verdict = await performCall(run, { ...call, decision });
    if (verdict.answered !== undefined || call.tool.effect === 'none') return verdict;
    return { ...verdict, attempted: { tool: call.tool, arguments: call.values } };
  } finally {
    end();
  }
}

interface Asked {
  /** Last part of the name of the step. */
  readonly step: string;
  readonly approval: ApprovalFact | undefined;
}

async function decide(run: ActiveRun, call: CheckedCall, asked: Asked): Promise<Decided> {
  const place = run.decisions.enter();
  try {
    if (place.turn !== undefined) await place.turn;
    const { decision, origins, error } = await run.context.step(
      `${call.base}/${asked.step}`,
      async (info) => askPolicy(run, call, { approval: asked.approval, info }),
    );
    if (error !== null) run.fail(error);
    const subject = { callId: call.call.id, action: 'CallTool', resource: call.tool.name };
    run.context.emit(call.base, decisionEvent({ ...subject, decision }));
    if (decision.effect !== 'allow') return { decision, origins, end: () => {} };
    const amounts = amountsOf(call.tool, call.values);
    const end = run.calls.begin(call.tool, amounts, asked.approval !== undefined);
    return { decision, origins, end };
  } finally {
    place.pass();
  }
}

/** The journaled result of a decision. */
interface Answered {
  readonly decision: Decision;
  readonly origins: readonly ValueOrigin[];
  readonly error: ErrorData | null;
}

async function askPolicy(
  run: ActiveRun,
  call: CheckedCall,
  { approval, info }: { readonly approval: ApprovalFact | undefined; readonly info: StepWork },
): Promise<Answered> {
  const { tool, values, callDigest } = call;
  const { ports, conversation, input } = run;
  const nowMs = info.now();
  const texts = run.hiddenMessages.texts(conversation.texts(), info.redactor);
  const evidence = findEvidence({ tool, arguments: values, texts });
  const amounts = amountsOf(tool, values);
  const ledgerCall = { principal: input.principal, tool, amounts, nowMs };
  const decision = await ports.calls.decide(ledgerCall, async (past) => {
    const question = questionOf(run, {
      action: 'CallTool',
      resource: { type: 'tool', tool, arguments: values },
      nowMs,
      labels: conversation.labels(),
      history: run.calls.history(tool, amounts, past),
      callDigest,
      approval,
      evidence,
    });
    return refuseShown(call, await ports.policy.decide(question), info);
  });
  const error = await recordDecision(run, call, decision, info.attempt);
  return { decision, origins: decision.effect === 'hold' ? evidence.values : [], error };
}

/** The caller has its own tool's arguments already, as the model wrote them: what is to be hidden from it cannot be any more. */
function refuseShown({ tool, values }: CheckedCall, decision: Decision, work: StepWork): Decision {
  const { detectors } = decision.obligations.redact;
  if (tool.executor === 'host' || Object.keys(detectors).length === 0) return decision;
  if (canonicalJson(work.redactor.redactJson(values, detectors)) === canonicalJson(values)) {
    return decision;
  }
  const message = 'CallTool: a tool of the caller gets its arguments as they are';
  const { obligations, policyDigest, bundles } = decision;
  const reasons = [{ rule: 'obligation-unsupported', message }];
  return { effect: 'deny', reasons, obligations, policyDigest, bundles };
}

/**
 * A decision goes on record before anybody learns of it, except the ALLOW of a call that the host makes: it is recorded
 * with the intent, so that both share one group commit. The client acts on the event alone, so its intent comes first.
 */
async function recordDecision(
  run: ActiveRun,
  call: CheckedCall,
  decision: Decision,
  attempt: number,
): Promise<ErrorData | null> {
  if (decision.effect !== 'allow') return run.tryRecord(decisionRecord(run, call, decision));
  return call.tool.executor === 'client' ? recordIntent(run, call, decision, { attempt }) : null;
}

function denied(call: CheckedCall, decision: Decision): ToolVerdict {
  return deniedVerdict(call.tool.name, reasonsText(decision), decision.reasons[0]?.rule ?? '');
}

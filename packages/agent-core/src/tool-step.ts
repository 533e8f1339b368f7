import { canonicalJson, sha256Hex } from '@modelhost/kernel';
import type { ApprovalFact, Decision, ErrorData, PolicyRequest } from '@modelhost/kernel';
import type { ActiveRun } from './active-run.ts';
import { askApproval } from './approval.ts';
import { decisionEvent, reasonsText } from './decisions.ts';
import { performCall } from './tool-call.ts';
import { answerReading, isReadingCall } from './tool-reading.ts';
import { decisionRecord, recordIntent } from './tool-records.ts';
import type { CheckedCall, PlannedCall } from './tool-records.ts';
import { answerSearch, isSearchCall } from './tool-search.ts';
import { deniedVerdict, invalidArguments, readArguments, unknownTool } from './tool-verdict.ts';
import type { ToolVerdict } from './tool-verdict.ts';

/** Takes one tool call through check, policy, approval, audit and gateway. It rejects only when the run was stopped. */
export async function takeToolStep(run: ActiveRun, planned: PlannedCall): Promise<ToolVerdict> {
  const { context } = run;
  const { call, base } = planned;
  context.emit(base, { type: 'step-started', kind: 'tool' });
  const startedMs = await context.now(`${base}/start`);
  const verdict = await answer(run, planned);
  const durationMs = (await context.now(`${base}/end`)) - startedMs;
  if (verdict.outcome === 'denied') run.count('toolCallsDenied');
  const { id: callId, name: tool } = call;
  context.emit(base, { type: 'tool-finished', callId, tool, ...verdict, durationMs });
  context.emit(base, {
    type: 'step-finished',
    kind: 'tool',
    finishReason: verdict.outcome,
    durationMs,
  });
  return verdict;
}

async function answer(run: ActiveRun, planned: PlannedCall): Promise<ToolVerdict> {
  if (isSearchCall(run, planned.call)) return answerSearch(run, planned);
  if (isReadingCall(run, planned.call)) return answerReading(run, planned);
  return takeCall(run, planned);
}

async function takeCall(run: ActiveRun, planned: PlannedCall): Promise<ToolVerdict> {
  const checked = checkCall(run, planned);
  return 'outcome' in checked ? checked : governCall(run, checked);
}

function checkCall(run: ActiveRun, planned: PlannedCall): CheckedCall | ToolVerdict {
  const { call } = planned;
  const tool = run.tools.get(call.name);
  if (tool === undefined) return unknownTool(call.name);
  const values = readArguments(call.arguments);
  if (values === undefined) return invalidArguments(tool.name);
  const violations = run.checkArguments(tool, values);
  if (violations.length > 0) return invalidArguments(tool.name, violations);
  const argumentsText = canonicalJson(values);
  const { tenant, subject } = run.input.principal;
  const callDigest = sha256Hex(
    canonicalJson([run.input.runId, call.id, tenant, subject, tool.name, argumentsText]),
  );
  return { ...planned, tool, values, argumentsText, callDigest };
}

async function governCall(run: ActiveRun, call: CheckedCall): Promise<ToolVerdict> {
  const first = await decide(run, call, 'decide', undefined);
  switch (first.effect) {
    case 'allow':
      return performCall(run, call, first);
    case 'deny':
      return denied(call, first);
    case 'hold': {
      const approval = await askApproval(run, call, first);
      if (approval.fact === undefined) return approval.verdict;
      const second = await decide(run, call, 'decide-approved', approval.fact);
      return second.effect === 'allow' ? performCall(run, call, second) : denied(call, second);
    }
  }
}

async function decide(
  run: ActiveRun,
  call: CheckedCall,
  step: string,
  approval: ApprovalFact | undefined,
): Promise<Decision> {
  const { decision, error } = await run.context.step(`${call.base}/${step}`, async (info) => {
    const question = questionOf(run, call, info.now(), approval);
    const taken = await run.ports.policy.decide(question);
    return { decision: taken, error: await recordDecision(run, call, taken, info.attempt) };
  });
  if (error !== null) run.fail(error);
  run.context.emit(
    call.base,
    decisionEvent({
      callId: call.call.id,
      action: 'CallTool',
      resource: call.tool.name,
      decision,
    }),
  );
  return decision;
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
  return call.tool.executor === 'client' ? recordIntent(run, call, decision, attempt) : null;
}

function questionOf(
  run: ActiveRun,
  call: CheckedCall,
  nowMs: number,
  approval: ApprovalFact | undefined,
): PolicyRequest {
  return {
    principal: run.input.principal,
    agent: run.input.agent.id,
    action: 'CallTool',
    resource: { type: 'tool', tool: call.tool, arguments: call.values },
    context: {
      runId: run.input.runId,
      nowMs,
      callDigest: call.callDigest,
      spent: run.statistics(),
      approval,
    },
  };
}

function denied(call: CheckedCall, decision: Decision): ToolVerdict {
  return deniedVerdict(call.tool.name, reasonsText(decision), decision.reasons[0]?.rule ?? '');
}

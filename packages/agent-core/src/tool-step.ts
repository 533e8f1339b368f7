import { canonicalJson, HostError, isJsonObject, sha256Hex, toErrorData } from '@modelhost/kernel';
import type {
  ApprovalFact,
  Decision,
  ErrorCode,
  ErrorData,
  JsonObject,
  PolicyRequest,
  StepInfo,
  ToolAnswer,
  ToolOutcome,
} from '@modelhost/kernel';
import { decisionEvent, reasonsText } from './decisions.ts';
import type { ActiveRun } from './active-run.ts';
import { decisionRecord, recordIntent, recordOf } from './tool-records.ts';
import type { CheckedCall, PlannedCall } from './tool-records.ts';

/** What the model sees of a call, and how the call ended. */
export interface ToolVerdict {
  readonly outcome: ToolOutcome;
  readonly content: string;
  readonly isTruncated: boolean;
  readonly error: ErrorData | undefined;
}

/** Takes one tool call through check, policy, approval, audit and gateway. It rejects only when the run was stopped. */
export async function takeToolStep(run: ActiveRun, planned: PlannedCall): Promise<ToolVerdict> {
  const { context } = run;
  const { call, base } = planned;
  context.emit(base, { type: 'step-started', kind: 'tool' });
  const startedMs = await context.now(`${base}/start`);
  const checked = checkCall(run, planned);
  const verdict = 'outcome' in checked ? checked : await governCall(run, checked);
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

function checkCall(run: ActiveRun, planned: PlannedCall): CheckedCall | ToolVerdict {
  const { call } = planned;
  const tool = run.tools.get(call.name);
  if (tool === undefined) {
    return refused('failed', {
      code: 'mcp_tool_not_found',
      message: `there is no tool ${call.name.slice(0, 64)} for this agent`,
      facts: { tool: call.name.slice(0, 64) },
    });
  }
  const values = readArguments(call.arguments);
  const violations =
    values === undefined
      ? [{ field: 'arguments', description: 'must be the text of one JSON object' }]
      : run.checkArguments(tool, values);
  if (values === undefined || violations.length > 0) {
    return refused('invalid_arguments', {
      code: 'tool_arguments_invalid',
      message: violations.map(({ field, description }) => `${field}: ${description}`).join('; '),
      facts: { tool: tool.name, field: violations[0]?.field ?? 'arguments' },
    });
  }
  const argumentsText = canonicalJson(values);
  const { tenant, subject } = run.input.principal;
  const callDigest = sha256Hex(
    canonicalJson([run.input.runId, call.id, tenant, subject, tool.name, argumentsText]),
  );
  return { ...planned, tool, values, argumentsText, callDigest };
}

function readArguments(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text);
    if (!isJsonObject(value)) return undefined;
    canonicalJson(value);
    return value;
  } catch {
    // Not JSON, or nested too deeply to be handled.
    return undefined;
  }
}

async function governCall(run: ActiveRun, call: CheckedCall): Promise<ToolVerdict> {
  const first = await decide(run, call, 'decide', undefined);
  switch (first.effect) {
    case 'allow':
      return perform(run, call, first);
    case 'deny':
      return denied(call, first);
    case 'hold': {
      const approval = await askApproval(run, call, first);
      if (approval.fact === undefined) return approval.verdict;
      const second = await decide(run, call, 'decide-approved', approval.fact);
      return second.effect === 'allow' ? perform(run, call, second) : denied(call, second);
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

type HeldDecision = Extract<Decision, { effect: 'hold' }>;
type ApprovalAnswer =
  | { readonly fact: ApprovalFact }
  | { readonly fact: undefined; readonly verdict: ToolVerdict };

async function askApproval(
  run: ActiveRun,
  call: CheckedCall,
  decision: HeldDecision,
): Promise<ApprovalAnswer> {
  const { context } = run;
  const approvalId = `apr_${sha256Hex(`${run.input.runId}\0${call.base}`).slice(0, 26)}`;
  const timeoutMs = Math.min(decision.ttlMs, run.input.agent.approvalTimeoutMs);
  const expiresAtMs = (await context.now(`${call.base}/approval-asked`)) + timeoutMs;
  run.count('approvals');
  context.emit(call.base, {
    type: 'approval-requested',
    approvalId,
    callId: call.call.id,
    tool: call.tool.name,
    arguments: call.argumentsText,
    callDigest: call.callDigest,
    approvers: decision.approvers,
    expiresAtMs,
  });
  const signal = await context.waitForSignal(`approval/${approvalId}`, {
    timeoutMs,
    approvers: decision.approvers,
  });
  const answer =
    signal?.type === 'approval'
      ? signal
      : { approved: false, by: 'timeout', comment: 'nobody answered in time' };
  const { approved, by, comment } = answer;
  await recordApproval(run, call, { approvalId, approved, by });
  context.emit(call.base, {
    type: 'approval-resolved',
    approvalId,
    callId: call.call.id,
    approved,
    by,
    comment,
  });
  if (approved) return { fact: { callDigest: call.callDigest, approver: by, expiresAtMs } };
  const message = `${by === 'timeout' ? 'nobody approved the call in time' : 'a person refused the call'} (${reasonsText(decision)})`;
  return { fact: undefined, verdict: deniedVerdict(call, message, 'approval-refused') };
}

async function recordApproval(
  run: ActiveRun,
  call: CheckedCall,
  answer: { readonly approvalId: string; readonly approved: boolean; readonly by: string },
): Promise<void> {
  const { approvalId, approved, by } = answer;
  const error = await run.context.step(`${call.base}/approval`, async () =>
    run.tryRecord({
      ...recordOf(run, call, 'approval', { approvalId, approved }),
      actor: by,
    }),
  );
  if (error !== null) run.fail(error);
}

/** Runs an allowed call: its decision and intent are on record before it starts. */
async function perform(
  run: ActiveRun,
  call: CheckedCall,
  decision: Decision,
): Promise<ToolVerdict> {
  if (call.tool.executor === 'client') return awaitClient(run, call);
  const { context } = run;
  const name = `${call.base}/call`;
  // The step may take longer than the tool: its records are written around the call.
  const body = async (info: StepInfo): Promise<PerformedCall> =>
    callTool(run, call, decision, info);
  if (call.tool.effect === 'none' || call.tool.effect === 'idempotent') {
    return verdictOf(run, await context.step(name, body));
  }
  const once = await context.atMostOnce(name, body);
  return verdictOf(run, once.kind === 'done' ? once.value : { kind: 'unknown', error: null });
}

/** The journaled result of a call: `unaudited` ends the run, the others are for the model. */
type PerformedCall =
  | { readonly kind: 'answered'; readonly answer: ToolAnswer }
  | { readonly kind: 'failed'; readonly error: ErrorData }
  | { readonly kind: 'cancelled' }
  /** The call went out and no answer came back; `error` says why, if anything does. */
  | { readonly kind: 'unknown'; readonly error: ErrorData | null }
  | { readonly kind: 'unaudited'; readonly error: ErrorData };

async function callTool(
  run: ActiveRun,
  call: CheckedCall,
  decision: Decision,
  info: StepInfo,
): Promise<PerformedCall> {
  const intent = recordIntent(run, call, decision, info.attempt);
  if (call.tool.effect !== 'none') {
    const unaudited = await intent;
    if (unaudited !== null) return { kind: 'unaudited', error: unaudited };
    if (info.signal.aborted) return { kind: 'cancelled' };
  }
  const performed = await callGateway(run, call, info);
  const unaudited =
    (await intent) ??
    (await run.tryRecord(
      recordOf(run, call, 'outcome', {
        outcome: performed.kind,
        code: 'error' in performed ? (performed.error?.code ?? '') : '',
      }),
    ));
  return unaudited === null ? performed : { kind: 'unaudited', error: unaudited };
}

async function callGateway(
  run: ActiveRun,
  call: CheckedCall,
  info: StepInfo,
): Promise<PerformedCall> {
  try {
    const answer = await run.ports.tools.callTool(
      {
        tool: call.tool.name,
        arguments: call.values,
        principal: run.input.principal,
        idempotencyKey: info.idempotencyKey,
        timeoutMs: run.input.agent.toolCallTimeoutMs,
      },
      { signal: info.signal },
    );
    if (answer.type === 'answer') return { kind: 'answered', answer };
    throw new HostError('mcp_protocol_error', `${call.tool.name} asks for input`);
  } catch (thrown) {
    const isRepeatable = call.tool.effect === 'none' || call.tool.effect === 'idempotent';
    if (info.signal.aborted) {
      return isRepeatable ? { kind: 'cancelled' } : { kind: 'unknown', error: null };
    }
    const error = toErrorData(thrown);
    const isAnswered = error.facts['sent'] !== 'true' || !unansweredCodes.has(error.code);
    return { kind: isRepeatable || isAnswered ? 'failed' : 'unknown', error };
  }
}

/** Errors after which nobody knows what a call that went out has done. */
const unansweredCodes: ReadonlySet<ErrorCode> = new Set(['mcp_timeout', 'mcp_connection_failed']);

function verdictOf(run: ActiveRun, performed: PerformedCall): ToolVerdict {
  switch (performed.kind) {
    case 'answered': {
      const { content, isError, isTruncated } = performed.answer;
      return { outcome: isError ? 'tool_error' : 'ok', content, isTruncated, error: undefined };
    }
    case 'failed':
      return refused('failed', performed.error);
    case 'cancelled':
      return {
        outcome: 'cancelled',
        content: 'The call was cancelled.',
        isTruncated: false,
        error: undefined,
      };
    case 'unknown':
      return {
        outcome: 'unknown',
        content: `${performed.error === null ? 'The call was interrupted' : performed.error.message}. Whether it had its effect is unknown; it is not repeated.`,
        isTruncated: false,
        error: performed.error ?? undefined,
      };
    case 'unaudited':
      return run.fail(performed.error);
  }
}

async function awaitClient(run: ActiveRun, call: CheckedCall): Promise<ToolVerdict> {
  const { context } = run;
  const timeoutMs = run.input.agent.approvalTimeoutMs;
  const signal = await context.waitForSignal(`tool-result/${call.call.id}`, {
    timeoutMs,
    approvers: [],
  });
  const verdict: ToolVerdict =
    signal?.type === 'tool-result'
      ? {
          outcome: signal.isError ? 'tool_error' : 'ok',
          content: signal.content,
          isTruncated: false,
          error: undefined,
        }
      : refused('failed', {
          code: 'deadline_exceeded',
          message: `the client gave no result for ${call.tool.name} in ${timeoutMs} ms`,
          facts: { tool: call.tool.name, timeout_ms: String(timeoutMs) },
        });
  const unrecorded = await context.step(`${call.base}/outcome`, async () =>
    run.tryRecord(
      recordOf(run, call, 'outcome', { outcome: verdict.outcome, code: verdict.error?.code ?? '' }),
    ),
  );
  if (unrecorded !== null) run.fail(unrecorded);
  return verdict;
}

function denied(call: CheckedCall, decision: Decision): ToolVerdict {
  return deniedVerdict(call, reasonsText(decision), decision.reasons[0]?.rule ?? '');
}

function deniedVerdict(call: CheckedCall, message: string, rule: string): ToolVerdict {
  return {
    outcome: 'denied',
    content: `Denied by policy: ${message}. Do not try this call again.`,
    isTruncated: false,
    error: {
      code: 'policy_violation',
      message,
      facts: { tool: call.tool.name, rule },
    },
  };
}

function refused(outcome: ToolOutcome, error: ErrorData): ToolVerdict {
  return {
    outcome,
    content: `Error ${error.code}: ${error.message}`,
    isTruncated: false,
    error,
  };
}

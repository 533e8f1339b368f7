import { create } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  BudgetKind,
  CompactionMethod,
  InputAction,
  RunEndReason,
  RunEventSchema,
  StepKind,
  ToolExecutor,
  ToolOutcome,
} from '@modelhost/contracts';
import type { RunEvent as EventMessage } from '@modelhost/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ErrorDataSchema, RunResultSchema, RunStatisticsSchema } from '@modelhost/contracts';
import type {
  BudgetKind as Budget,
  ErrorData,
  RunEvent,
  RunEventBody,
  RunResult,
  RunStatistics,
  ToolOutcome as Outcome,
} from '@modelhost/kernel';
import { toDecisionMessage, toGateMessage, toLabelsMessage } from './policy-message.ts';

type EventInit = NonNullable<MessageInitShape<typeof RunEventSchema>['event']>;

const stepKinds = { model: StepKind.MODEL, tool: StepKind.TOOL } as const;
const compactions = { summary: CompactionMethod.SUMMARY, cut: CompactionMethod.CUT } as const;
const executors = { host: ToolExecutor.HOST, client: ToolExecutor.CLIENT } as const;
const inputActions = {
  accept: InputAction.ACCEPT,
  decline: InputAction.DECLINE,
  cancel: InputAction.CANCEL,
} as const;
const outcomes: Readonly<Record<Outcome, ToolOutcome>> = {
  ok: ToolOutcome.OK,
  tool_error: ToolOutcome.TOOL_ERROR,
  denied: ToolOutcome.DENIED,
  invalid_arguments: ToolOutcome.INVALID_ARGUMENTS,
  failed: ToolOutcome.FAILED,
  unknown: ToolOutcome.UNKNOWN,
  cancelled: ToolOutcome.CANCELLED,
  withheld: ToolOutcome.WITHHELD,
};
const budgets: Readonly<Record<Budget, BudgetKind>> = {
  tokens: BudgetKind.TOKENS,
  cost: BudgetKind.COST,
  steps: BudgetKind.STEPS,
  tool_calls: BudgetKind.TOOL_CALLS,
};

/** An event of a run as its message in the contract. */
export function toEventMessage({ sequence, timeMs, step, body }: RunEvent): EventMessage {
  return create(RunEventSchema, {
    sequence: BigInt(sequence),
    time: timestampFromMs(timeMs),
    step,
    event: toEvent(body),
  });
}

/** A result as its message. */
export function toResultMessage({
  ending,
  statistics,
}: RunResult): MessageInitShape<typeof RunResultSchema> {
  const spent = { statistics: toStatisticsMessage(statistics) };
  switch (ending.reason) {
    case 'completed':
      return { reason: RunEndReason.COMPLETED, answer: ending.answer, ...spent };
    case 'budget_exceeded':
      return { reason: RunEndReason.BUDGET_EXCEEDED, budget: budgets[ending.budget], ...spent };
    case 'denied':
      return {
        reason: RunEndReason.DENIED,
        error: { code: 'policy_violation', message: ending.message },
        ...spent,
      };
    case 'cancelled':
      return { reason: RunEndReason.CANCELLED, cancelledBy: ending.by, ...spent };
    case 'deadline':
      return { reason: RunEndReason.DEADLINE, ...spent };
    case 'failed':
      return { reason: RunEndReason.FAILED, error: toErrorMessage(ending.error), ...spent };
  }
}

function toEvent(body: RunEventBody): EventInit {
  if (isWithinCall(body)) return toEventWithinCall(body);
  switch (body.type) {
    case 'text-delta':
      return { case: 'textDelta', value: { text: body.text } };
    case 'reasoning-delta':
      return { case: 'reasoningDelta', value: { text: body.text } };
    case 'run-started':
      return { case: 'runStarted', value: body };
    case 'step-started':
      return { case: 'stepStarted', value: { kind: stepKinds[body.kind] } };
    case 'step-finished':
      return { case: 'stepFinished', value: toStepFinished(body) };
    case 'tool-requested':
      return { case: 'toolRequested', value: toToolRequested(body) };
    case 'decision':
      return { case: 'decision', value: toDecisionMessage(body) };
    case 'tool-finished':
      return { case: 'toolFinished', value: toToolFinished(body) };
    case 'usage':
      return { case: 'usage', value: toUsage(body) };
    case 'step-reset':
      return { case: 'stepReset', value: { attempt: body.attempt } };
    case 'events-dropped':
      return { case: 'eventsDropped', value: toEventsDropped(body) };
    case 'context-compacted':
      return { case: 'contextCompacted', value: toContextCompacted(body) };
    case 'run-finished':
      return { case: 'runFinished', value: { result: toResultMessage(body.result) } };
  }
}

type Body<Type extends RunEventBody['type']> = Extract<RunEventBody, { type: Type }>;
type Value<Case extends EventInit['case']> = Extract<EventInit, { case: Case }>['value'];
type WithinCall = Body<
  | 'approval-requested'
  | 'approval-resolved'
  | 'approval-vote'
  | 'input-requested'
  | 'input-resolved'
  | 'tool-progress'
>;

/** What is told or asked between the request of a call and its end. */
function isWithinCall(body: RunEventBody): body is WithinCall {
  return ['approval-', 'input-', 'tool-progress'].some((start) => body.type.startsWith(start));
}

function toEventWithinCall(body: WithinCall): EventInit {
  switch (body.type) {
    case 'approval-requested':
      return { case: 'approvalRequested', value: toApprovalRequested(body) };
    case 'approval-vote':
      return { case: 'approvalVote', value: { ...body, approvedBy: body.by } };
    case 'approval-resolved':
      return { case: 'approvalResolved', value: { ...body, resolvedBy: body.by } };
    case 'tool-progress':
      return { case: 'toolProgress', value: toToolProgress(body) };
    case 'input-requested':
      return { case: 'inputRequested', value: toInputRequested(body) };
    case 'input-resolved':
      return { case: 'inputResolved', value: toInputResolved(body) };
  }
}

function toEventsDropped({
  fromSequence,
  toSequence,
}: Body<'events-dropped'>): Value<'eventsDropped'> {
  return { fromSequence: BigInt(fromSequence), toSequence: BigInt(toSequence) };
}

function toContextCompacted(body: Body<'context-compacted'>): Value<'contextCompacted'> {
  const { method, messagesBefore, messagesAfter, tokensBefore, tokensAfter } = body;
  return {
    method: compactions[method],
    messagesBefore,
    messagesAfter,
    tokensBefore: BigInt(tokensBefore),
    tokensAfter: BigInt(tokensAfter),
  };
}

function toToolProgress(body: Body<'tool-progress'>): Value<'toolProgress'> {
  const { callId, progress, total, message } = body;
  return { callId, progress, message, ...(total === undefined ? {} : { total }) };
}

function toStepFinished({
  kind,
  finishReason,
  durationMs,
}: Body<'step-finished'>): Value<'stepFinished'> {
  return { kind: stepKinds[kind], finishReason, duration: durationFromMs(durationMs) };
}

function toToolRequested(body: Body<'tool-requested'>): Value<'toolRequested'> {
  const { callId, tool, executor } = body;
  return { callId, tool, argumentsJson: body.arguments, executor: executors[executor] };
}

function toApprovalRequested(body: Body<'approval-requested'>): Value<'approvalRequested'> {
  const { approvalId, callId, tool, callDigest, gates, origins, expiresAtMs } = body;
  return {
    approvalId,
    callId,
    tool,
    argumentsJson: body.arguments,
    callDigest,
    approvers: [...new Set(gates.flatMap(({ approvers }) => approvers))].sort(),
    expireTime: timestampFromMs(expiresAtMs),
    gates: gates.map(toGateMessage),
    origins: origins.map(({ path, origin, sources }) => ({ path, origin, sources: [...sources] })),
  };
}

function toInputRequested(body: Body<'input-requested'>): Value<'inputRequested'> {
  const { inputId, callId, tool, message, schema, url, expiresAtMs } = body;
  return {
    inputId,
    callId,
    tool,
    message,
    schemaJson: schema === undefined ? '' : JSON.stringify(schema),
    url,
    expireTime: timestampFromMs(expiresAtMs),
  };
}

function toInputResolved(body: Body<'input-resolved'>): Value<'inputResolved'> {
  const { inputId, callId, action, by } = body;
  return { inputId, callId, action: inputActions[action], resolvedBy: by };
}

function toToolFinished(body: Body<'tool-finished'>): Value<'toolFinished'> {
  const { callId, tool, outcome, content, isTruncated, labels, durationMs, error } = body;
  return {
    callId,
    tool,
    outcome: outcomes[outcome],
    content,
    truncated: isTruncated,
    labels: toLabelsMessage(labels),
    duration: durationFromMs(durationMs),
    ...(error === undefined ? {} : { error: toErrorMessage(error) }),
  };
}

function toUsage({ model, usage, costMicroUsd, spent }: Body<'usage'>): Value<'usage'> {
  return {
    model,
    inputTokens: BigInt(usage.inputTokens),
    outputTokens: BigInt(usage.outputTokens),
    cachedInputTokens: BigInt(usage.cachedInputTokens),
    reasoningTokens: BigInt(usage.reasoningTokens),
    costMicroUsd: BigInt(costMicroUsd),
    spent: toStatisticsMessage(spent),
  };
}

/** What a run has used, as its message. */
export function toStatisticsMessage(
  statistics: RunStatistics,
): MessageInitShape<typeof RunStatisticsSchema> {
  const { modelCalls, toolCalls, toolCallsDenied, approvals } = statistics;
  return {
    modelCalls,
    toolCalls,
    toolCallsDenied,
    approvals,
    inputTokens: BigInt(statistics.inputTokens),
    outputTokens: BigInt(statistics.outputTokens),
    costMicroUsd: BigInt(statistics.costMicroUsd),
    tokensOverrun: BigInt(statistics.tokensOverrun),
    duration: durationFromMs(statistics.durationMs),
  };
}

function toErrorMessage(error: ErrorData): MessageInitShape<typeof ErrorDataSchema> {
  const { code, message, facts, retryAfterMs } = error;
  const retry =
    retryAfterMs === undefined ? {} : { retryAfter: durationFromMs(Math.ceil(retryAfterMs)) };
  return { code, message, facts: { ...facts }, ...retry };
}

export { HostError, toErrorData } from './errors.ts';
export type { ErrorCode, ErrorData, FieldViolation, HostErrorOptions } from './errors.ts';
export { endOfString, parseJsonText } from './json-text.ts';
export { canonicalJson, isJsonObject, sha256Hex } from './json.ts';
export type { Json, JsonObject } from './json.ts';
export { confidentialityLevels, joinLabels, plainLabels } from './labels.ts';
export type { Confidentiality, DataLabels, Integrity } from './labels.ts';
export { noObligations } from './obligations.ts';
export type {
  ApprovalGate,
  DecisionReason,
  Obligations,
  RedactionStyle,
  ValueOrigin,
} from './obligations.ts';
export type { RunEvent, RunEventBody } from './run-event.ts';
export { noStatistics } from './run.ts';
export type {
  AgentSpec,
  EarlierTerms,
  AnswerReference,
  BudgetKind,
  BudgetLimits,
  ContentPart,
  ContentSource,
  Message,
  ModelRoute,
  Principal,
  RunEnding,
  RunInput,
  RunResult,
  RunSession,
  RunState,
  RunStatistics,
  Sampling,
  TokenUsage,
  ToolCall,
  ToolChoice,
  ToolDefinition,
  ToolEffect,
  ToolOutcome,
} from './run.ts';
export type { AuditLog, AuditReceipt, AuditRecord } from './ports/audit-log.ts';
export type {
  BudgetAmount,
  BudgetLedger,
  BudgetState,
  ReserveOutcome,
} from './ports/budget-ledger.ts';
export type { Clock, Ids } from './ports/clock.ts';
export type { JsonSchemas, SchemaCheck } from './ports/json-schemas.ts';
export type { Keys, Sealed } from './ports/keys.ts';
export type {
  CompletionStats,
  FinishReason,
  LlmProvider,
  ModelEvent,
  ModelRequest,
} from './ports/llm-provider.ts';
export { noHistory } from './ports/policy-engine.ts';
export type {
  ApprovalFact,
  CallEvidence,
  CallHistory,
  Decision,
  DecisionBasis,
  PolicyAction,
  PolicyAsker,
  PolicyEngine,
  PolicyRequest,
  PolicyResource,
  Remedy,
} from './ports/policy-engine.ts';
export type {
  AtMostOnce,
  EventLog,
  PendingSignal,
  RunContext,
  RunEngine,
  RunFork,
  RunPage,
  RunProgram,
  RunReplay,
  RunStatus,
  SignalPayload,
  StepInfo,
  StepOptions,
  StopReason,
  WaitOptions,
} from './ports/run-engine.ts';
export type {
  RedactionCounts,
  RedactionStyles,
  Redactor,
  RestoredArguments,
  SessionRedactor,
  StepRedactor,
  TextRedaction,
} from './ports/redactor.ts';
export type {
  Session,
  SessionDraft,
  SessionPage,
  SessionPlace,
  SessionStore,
  SessionTurn,
} from './ports/session-store.ts';
export type {
  ToolAnswer,
  ToolInputRequest,
  ToolMatch,
  ToolProgress,
  ToolReply,
  ToolGateway,
  ToolInvocation,
  ToolServerStatus,
} from './ports/tool-gateway.ts';

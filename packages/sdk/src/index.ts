export { createModelHostClient } from './client.ts';
export type {
  ApprovalAnswer,
  FollowOptions,
  ForkInit,
  InputAnswer,
  ListRunsOptions,
  ListToolPinsOptions,
  ModelHostClient,
  ModelHostClientOptions,
  RunSpecInit,
  ToolApprovals,
  ToolAuthorizationCallback,
  ToolResult,
} from './client.ts';
export { ModelHostError } from './error.ts';
export type { RewoundRun } from './error.ts';
export type {
  DecisionFilter,
  DecisionQuestion,
  PolicyFileInit,
  PolicyMethods,
  ReplayOptions,
} from './policy.ts';
export type {
  BranchInit,
  ListSessionsOptions,
  ListTurnsOptions,
  SessionInit,
  SessionMethods,
} from './sessions.ts';
export type { WatchedItem, WatchOptions } from './watch.ts';

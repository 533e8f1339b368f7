export { createModelHostClient } from './client.ts';
export type { ModelHostClient, ModelHostClientOptions } from './client.ts';
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
  ApprovalAnswer,
  FollowOptions,
  ForkInit,
  InputAnswer,
  ListRunsOptions,
  RunMethods,
  RunSpecInit,
  ToolResult,
} from './runs.ts';
export type {
  BranchInit,
  ListSessionsOptions,
  ListTurnsOptions,
  SessionInit,
  SessionMethods,
} from './sessions.ts';
export type {
  ListToolPinsOptions,
  ToolApprovals,
  ToolAuthorizationCallback,
  ToolMethods,
} from './tools.ts';
export type { WatchedItem, WatchOptions } from './watch.ts';

export { createModelHostClient } from './client.ts';
export type {
  ApprovalAnswer,
  FollowOptions,
  ListRunsOptions,
  ModelHostClient,
  ModelHostClientOptions,
  RunSpecInit,
  ToolResult,
} from './client.ts';
export { ModelHostError } from './error.ts';

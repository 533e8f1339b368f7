export { createApiKey } from './auth.ts';
export type { NewApiKey } from './auth.ts';

export { listConfig, printConfig } from './config/print-config.ts';
export type { ConfigLeaf } from './config/print-config.ts';
export { readHostConfig } from './config/read-config.ts';
export type { ConfigInput, HostConfig } from './config/read-config.ts';
export { configJsonSchema } from './config/schema.ts';
export { errorTable } from './grpc/error-table.ts';
export type { ErrorRule, GrpcStatusName } from './grpc/error-table.ts';
export { toExplanationMessage } from './grpc/policy-report-message.ts';
export { startHost } from './host.ts';
export type { HostOptions, RunningHost } from './host.ts';
export { serveUntilSignal } from './serve-until-signal.ts';
export type { HostProcess } from './serve-until-signal.ts';
export { serveMcpOverStdio } from './mcp/serve-over-stdio.ts';
export type { McpOverStdio, McpOverStdioOptions } from './mcp/serve-over-stdio.ts';
export { createStorageTools } from './storage/storage-tools.ts';
export type { StorageTools } from './storage/storage-tools.ts';

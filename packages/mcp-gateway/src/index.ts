export { createMcpGateway } from './gateway.ts';
export type { McpGateway, McpGatewayOptions } from './gateway.ts';
export { toolServerDefaults } from './server-spec.ts';
export type { ToolServerLogEntry, ToolServerSpec, ToolServerTransport } from './server-spec.ts';

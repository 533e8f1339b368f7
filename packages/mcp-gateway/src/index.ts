export { createToolGateway } from './tool-gateway.ts';
export type { McpGateway, ToolGatewayOptions } from './tool-gateway.ts';
export type { ToolServerLogEntry, ToolServerSpec, ToolServerTransport } from './server-spec.ts';

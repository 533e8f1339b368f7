export type {
  PinAdmin,
  PinApproval,
  PinDrift,
  PinSetView,
  PinView,
} from './catalogue/pin-admin.ts';
export { createPinFile } from './catalogue/pin-file.ts';
export { serverOfState } from './credentials/authorization-required.ts';
export { createTokenFile } from './credentials/token-file.ts';
export { createFacadeAuthenticate } from './facade/auth/authenticate.ts';
export type { FacadeAuthenticate } from './facade/auth/authenticate.ts';
export { createTokenVerifier } from './facade/auth/token-verifier.ts';
export type { TokenIssuer, TokenVerifier } from './facade/auth/token-verifier.ts';
export type { FacadeCore, FacadeView } from './facade/core-types.ts';
export { createFacadeCore } from './facade/core.ts';
export type { FacadeService } from './facade/http/facade-service.ts';
export { createFacadeServer } from './facade/http/server.ts';
export type { FacadeServer } from './facade/http/server.ts';
export { serveFacadeOverStdio } from './facade/stdio.ts';
export type { StdioService } from './facade/stdio.ts';
export { createMcpGateway } from './gateway.ts';
export type { McpGateway, McpGatewayOptions } from './gateway.ts';
export type { Hiding } from './hiding.ts';
export { createOutboundFetch } from './outbound/outbound-fetch.ts';
export type { OutboundFetch } from './outbound/outbound-fetch.ts';
export type {
  Exchange,
  ExchangeContext,
  ExchangeOutcome,
  InputRequest,
  McpRelay,
  RelayTool,
} from './relay.ts';
export { toolServerDefaults } from './server-spec.ts';
export type { ToolServerLogEntry, ToolServerSpec, ToolServerTransport } from './server-spec.ts';

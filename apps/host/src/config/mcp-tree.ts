import type { Confidentiality } from '@modelhost/kernel';

/** A tool server as it is written; secrets are references. */
export interface ToolServerConfig {
  readonly alias: string;
  readonly command?: string | undefined;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly auth: ToolServerAuthConfig;
  readonly allowPrivateNetwork: boolean;
  readonly tenants?: readonly string[] | undefined;
  readonly tools?: readonly string[] | undefined;
  readonly start: 'eager' | 'lazy';
  readonly idleMs: number;
  readonly connectTimeoutMs: number;
  readonly listTimeoutMs: number;
  readonly callTimeoutMs: number;
  readonly progressTimeoutMs: number;
  readonly maxCallsInFlight: number;
  readonly maxCallsQueued: number;
  readonly memoryBytesMax?: number | undefined;
  readonly resultBytesMax: number;
  readonly replay: 'never' | 'idempotent';
  readonly pinning: 'first-use' | 'approve';
  readonly outputSchema: 'warn' | 'deny';
  readonly effects: Readonly<Record<string, 'none' | 'idempotent' | 'reversible' | 'irreversible'>>;
  readonly integrity: Readonly<Record<string, 'trusted' | 'untrusted'>>;
  readonly decisionArguments: Readonly<Record<string, readonly string[]>>;
  readonly egress: Readonly<Record<string, boolean>>;
  readonly confidentiality: Readonly<Record<string, Confidentiality>>;
  readonly clearance: Readonly<Record<string, Confidentiality>>;
  readonly summedArguments: Readonly<Record<string, readonly string[]>>;
  readonly references: Readonly<
    Record<string, Readonly<Record<string, { readonly field: string; readonly namedBy?: string }>>>
  >;
  readonly roots: readonly { readonly uri: string; readonly name: string }[];
}

/** How assertions are signed. */
export type SigningAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384';

/** The host as a client of one authorization server. */
interface OAuthClientConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly scope?: string | undefined;
}

/** Which credential goes along to a tool server over HTTP; secrets are references. */
export type ToolServerAuthConfig =
  | { readonly type: 'none' }
  | ({ readonly type: 'client-credentials'; readonly clientSecret: string } & OAuthClientConfig)
  | ({
      readonly type: 'private-key-jwt';
      readonly privateKey: string;
      readonly algorithm: SigningAlgorithm;
    } & OAuthClientConfig)
  | {
      readonly type: 'user-oauth';
      readonly redirectUrl: string;
      readonly clientMetadataUrl?: string | undefined;
      readonly client?:
        | {
            readonly issuer: string;
            readonly clientId: string;
            readonly clientSecret?: string | undefined;
          }
        | undefined;
      readonly allowRegistration: boolean;
      readonly scope?: string | undefined;
    }
  | {
      readonly type: 'token-exchange';
      readonly tokenEndpoint: string;
      readonly clientId: string;
      readonly clientSecret: string;
      readonly clientAuthentication: 'basic' | 'post';
      readonly subjectKey: string;
      readonly subjectAlgorithm: SigningAlgorithm;
      readonly subjectIssuer: string;
      readonly audience?: string | undefined;
      readonly resource?: string | undefined;
      readonly scope?: string | undefined;
    };

/** The façade for MCP clients as it is written. */
export interface McpConfig {
  readonly host?: string | undefined;
  readonly port: number;
  readonly publicUrl?: string | undefined;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly maxConnections: number;
  readonly maxSessions: number;
  readonly maxBodyBytes: number;
  readonly issuers: readonly McpIssuerConfig[];
  readonly views: readonly McpViewConfig[];
}

/** Whose access tokens are taken. */
export interface McpIssuerConfig {
  readonly issuer: string;
  readonly jwksUrl: string;
  readonly audience?: string | undefined;
  readonly algorithms: readonly string[];
  readonly tenant?: string | undefined;
  readonly tenantClaim: string;
  readonly tenants?: readonly string[] | undefined;
  readonly rolesClaim: string;
  readonly roles?: readonly string[] | undefined;
  readonly scopes: readonly string[];
}

/** What one kind of client sees. */
export interface McpViewConfig {
  readonly name: string;
  readonly naming: 'prefix' | 'none' | 'on-collision' | Readonly<Record<string, string>>;
  readonly servers?: readonly string[] | undefined;
  readonly tools?: readonly string[] | undefined;
  readonly search: 'auto' | 'always' | 'never';
  readonly taskAfterMs?: number | undefined;
}

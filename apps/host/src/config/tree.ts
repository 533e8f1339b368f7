import type { McpConfig, ToolServerConfig } from './mcp-tree.ts';
import type { PoliciesConfig } from './policies-schema.ts';
import type { RedactionConfig } from './redaction-schema.ts';

/** The configuration with every default filled in; secrets are still references. */
export interface ConfigTree {
  readonly server: ServerConfig;
  readonly providers: readonly ProviderConfig[];
  readonly agents: readonly AgentConfig[];
  readonly tools: { readonly servers: readonly ToolServerConfig[] };
  readonly mcp?: McpConfig | undefined;
  readonly policies: PoliciesConfig;
  readonly runs: RunsConfig;
  readonly redaction: RedactionConfig;
  readonly memory: { readonly enabled: false };
  readonly telemetry: { readonly logLevel: LogLevel };
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface RunsConfig {
  readonly days: number;
  readonly eventDays: number;
  readonly parkAfterMs: number;
}

export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  readonly healthHost?: string | undefined;
  readonly healthPort: number;
  readonly maxConnections: number;
  readonly maxRunsInFlight: number;
  readonly requestTimeoutMs: number;
  readonly gracefulShutdownTimeoutMs: number;
  readonly tls?: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly insecureBehindProxy: boolean;
  readonly dataDirectory: string;
  readonly auth: { readonly apiKeys: readonly ApiKeyConfig[] };
}

export interface ApiKeyConfig {
  readonly id: string;
  /** `sha256:` and the SHA-256 of the whole key, in lower-case hex. */
  readonly hash: string;
  readonly tenant: string;
  readonly subject: string;
  readonly roles: readonly string[];
}

export interface ProviderConfig {
  readonly name: string;
  readonly type: 'openai-chat' | 'openai-responses' | 'anthropic' | 'gemini' | 'scripted';
  readonly baseUrl?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly scriptFile?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly models: readonly ModelConfig[];
}

export interface ModelConfig {
  readonly id: string;
  readonly model: string;
  readonly contextTokens: number;
  readonly maxOutputTokens: number;
  readonly inputUsdPerMillionTokens: number;
  readonly outputUsdPerMillionTokens: number;
}

export interface AgentConfig {
  readonly id: string;
  readonly description: string;
  readonly instructions: string;
  readonly model: string;
  readonly tools: readonly string[];
  readonly budget: {
    readonly maxTokens: number;
    readonly maxCostUsd: number;
    readonly maxSteps: number;
    readonly maxToolCalls: number;
    readonly maxDurationMs: number;
  };
  readonly sampling: {
    readonly temperature?: number | undefined;
    readonly topP?: number | undefined;
    readonly maxOutputTokens?: number | undefined;
    readonly stopSequences?: readonly string[] | undefined;
    readonly seed?: number | undefined;
  };
  readonly maxToolCallsInFlight: number;
  readonly toolCallTimeoutMs: number;
  readonly modelCallTimeoutMs: number;
  readonly approvalTimeoutMs: number;
  readonly toolSearch: 'auto' | 'always' | 'never';
  readonly compaction: 'auto' | 'never';
  readonly compactAtPercent: number;
  readonly samplingServers: readonly string[];
}

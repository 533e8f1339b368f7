import type { FieldViolation } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { ToolDefinition } from '../run.ts';

/** A call that has been decided and audited. */
export interface ToolInvocation {
  /** Name in the catalogue: `alias__tool`. */
  readonly tool: string;
  /** The parsed arguments that were decided; the gateway forwards exactly these. */
  readonly arguments: JsonObject;
  readonly idempotencyKey: string;
  readonly timeoutMs: number;
}

/** What a tool answered. */
export interface ToolAnswer {
  /** Text for the model; other content is described in it. */
  readonly content: string;
  /** The tool itself says that it failed; the model sees the text. */
  readonly isError: boolean;
  /** The text was cut at the result cap. */
  readonly isTruncated: boolean;
}

/** How a tool server is doing. */
export interface ToolServerStatus {
  readonly alias: string;
  readonly state: 'connecting' | 'ready' | 'failed' | 'closed';
  readonly toolCount: number;
  /** Why it is not ready; safe to show. */
  readonly error: string | undefined;
}

/** The only way to a tool. */
export interface ToolGateway {
  /** The catalogue in a stable order; served at once, whatever the servers do. */
  listTools(): readonly ToolDefinition[];
  /** What is wrong with the arguments by the tool's schema; empty when they fit. Throws `mcp_tool_not_found`. */
  checkArguments(tool: string, values: JsonObject): readonly FieldViolation[];
  /**
   * Calls the tool once, never twice. Throws `HostError` with an `mcp_*` code, or the signal's reason. An error with the
   * fact `sent: 'true'` came after the call went out: without an answer it may have had its effect.
   */
  callTool(
    invocation: ToolInvocation,
    options: { readonly signal: AbortSignal },
  ): Promise<ToolAnswer>;
  servers(): readonly ToolServerStatus[];
  /** Ends every connection and child process. */
  close(): Promise<void>;
}

import type { FieldViolation } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { Principal, ToolDefinition } from '../run.ts';

/** A call that has been decided and audited. */
export interface ToolInvocation {
  /** Name in the catalogue: `alias__tool`. */
  readonly tool: string;
  /** The parsed arguments that were decided; the gateway forwards exactly these. */
  readonly arguments: JsonObject;
  /** On whose behalf: which credential goes with the call, and what it may reach. */
  readonly principal: Principal;
  readonly idempotencyKey: string;
  readonly timeoutMs: number;
  /** What the caller can give in the middle of the call, as the server is told. Absent: nothing. */
  readonly canAnswer?: readonly ToolInputRequest['method'][];
  /** Goes on with a call that asked for input, with the answers under the keys of its requests. */
  readonly resume?: {
    readonly state: string;
    readonly answers: Readonly<Record<string, JsonObject>>;
  };
}

/** What a tool answered. */
export interface ToolAnswer {
  readonly type: 'answer';
  /** Text for the model; other content is described in it. When more is kept, its last line names the handle to read on. */
  readonly content: string;
  /** The tool itself says that it failed; the model sees the text. */
  readonly isError: boolean;
  /** The text was cut at the result cap. */
  readonly isTruncated: boolean;
}

/** Something that a tool server asks for in the middle of a call, as MCP has it. */
export interface ToolInputRequest {
  readonly method: 'elicitation/create' | 'sampling/createMessage';
  /** Untrusted: the server wrote it. */
  readonly params: JsonObject;
}

/** The answer of a call, or what it needs to go on; `state` goes back with the answers, unread. */
export type ToolReply =
  | ToolAnswer
  | {
      readonly type: 'input-required';
      readonly state: string;
      readonly requests: Readonly<Record<string, ToolInputRequest>>;
    };

/** How far a call has come, as its server tells. */
export interface ToolProgress {
  readonly progress: number;
  readonly total: number | undefined;
  readonly message: string;
}

/** How a tool server is doing. */
export interface ToolServerStatus {
  readonly alias: string;
  /** `idle`: not started, since nobody needs it. `degraded`: it answers, but it failed lately. `open`: not tried for a while. */
  readonly state:
    | 'idle'
    | 'connecting'
    | 'ready'
    | 'degraded'
    | 'open'
    | 'quarantined'
    | 'failed'
    | 'closed';
  readonly toolCount: number;
  /** Tools that are held back until somebody approves them. */
  readonly quarantinedCount: number;
  /** Why it is not ready; safe to show. */
  readonly error: string | undefined;
}

/** A tool that a search found, the best first. */
export interface ToolMatch {
  readonly tool: ToolDefinition;
  readonly score: number;
}

/** The only way to a tool. */
export interface ToolGateway {
  /** What the tenant may see, in a stable order; served at once, whatever the servers do. */
  listTools(tenant: string): readonly ToolDefinition[];
  /** The tools among `names` that fit the query, at most `limit`. */
  searchTools(query: string, names: readonly string[], limit: number): readonly ToolMatch[];
  /** What is wrong with the arguments by the tool's schema; empty when they fit. Throws `mcp_tool_not_found`. */
  checkArguments(tool: string, values: JsonObject): readonly FieldViolation[];
  /**
   * Calls the tool once, never twice. Throws `HostError` with an `mcp_*` code, or the signal's reason. An error with the
   * fact `sent: 'true'` came after the call went out: without an answer it may have had its effect.
   */
  callTool(
    invocation: ToolInvocation,
    options: {
      readonly signal: AbortSignal;
      readonly onProgress?: (progress: ToolProgress) => void;
    },
  ): Promise<ToolReply>;
  /** Nobody will go on with the call of this state: its server is told. Nothing happens when it is over or somebody else's. */
  abandonCall(principal: Principal, state: string): void;
  /**
   * A piece, from that byte on, of a result that was too long for its answer. Undefined for a handle that names nothing
   * that was given to this principal, or nothing any more.
   */
  readResult(principal: Principal, handle: string, offset: number): ToolAnswer | undefined;
  servers(): readonly ToolServerStatus[];
  /** Ends every connection and child process. */
  close(): Promise<void>;
}

import type { JsonObject, Principal, ToolEffect } from '@modelhost/kernel';

/** Methods that the gateway passes on to one upstream; it answers every other method itself. */
export type RelayedMethod = 'tools/call' | 'prompts/get' | 'resources/read' | 'completion/complete';

/**
 * One request on its way to an upstream, in the shape of 2026-07-28 whatever either side speaks. `params` has the
 * upstream's own names, without `_meta`; `inputResponses` and the upstream's own `requestState` are in it when it goes
 * on with one that was answered by `input-required`.
 */
export interface Exchange {
  readonly method: RelayedMethod;
  readonly params: JsonObject;
}

/** Who waits for an exchange, and how to tell them what happens meanwhile. */
export interface ExchangeContext {
  readonly principal: Principal;
  /** Aborting it cancels the request at the upstream. */
  readonly signal: AbortSignal;
  /** Hard limit of the whole exchange, whatever progress there is. */
  readonly timeoutMs: number;
  /** Capabilities of the one who asks, in MCP's shape (`elicitation`, `sampling`, `roots`, `extensions`). */
  readonly capabilities: JsonObject;
  /** Members of `_meta` that go along: trace context, idempotency key, those of other vendors. Never the protocol's own. */
  readonly meta: JsonObject;
  /** Lowest level of log messages that are wanted; absent for none. */
  readonly logLevel?: string;
  /** Params of `notifications/progress`, without the token. */
  readonly onProgress?: (params: JsonObject) => void;
  /** Params of `notifications/message`. */
  readonly onLog?: (params: JsonObject) => void;
}

/** What came of an exchange. Faults of the connection and of bounds are thrown as `HostError`. */
export type ExchangeOutcome =
  /** The result as the upstream gave it, without `resultType`. */
  | { readonly kind: 'complete'; readonly result: JsonObject; readonly part?: ResultPart }
  /** The upstream needs input (SEP-2322). Go on with the same params, `inputResponses` and this `requestState`. */
  | {
      readonly kind: 'input-required';
      readonly inputRequests: Readonly<Record<string, InputRequest>>;
      readonly requestState: string | undefined;
    }
  /** The upstream's own JSON-RPC error. */
  | { readonly kind: 'error'; readonly error: RpcError };

/** Of the list in a result the one text that is a part of a longer one, with as much of that as tells what is at its border. */
export interface ResultPart {
  readonly index: number;
  /** What stands right before it, or the end of that. */
  readonly before: string;
  /** More follows. */
  readonly isCut: boolean;
}

/** A request of the upstream to the one who asked. Untrusted. */
export interface InputRequest {
  readonly method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list';
  readonly params: JsonObject;
}

/** A JSON-RPC error as it travels. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: JsonObject;
}

/** A tool as the façade may offer it: approved by its pin. */
export interface RelayTool {
  readonly alias: string;
  /** Name at its server. */
  readonly serverTool: string;
  /** `alias__tool`, at most 64 of `[A-Za-z0-9_-]`. */
  readonly name: string;
  /** As the server listed it, cleaned of invisible characters; every member of MCP's `Tool` stays. */
  readonly listed: JsonObject;
  readonly effect: ToolEffect;
}

/** A prompt, resource or resource template: as listed, and whose it is. */
export interface RelayItem {
  readonly alias: string;
  readonly listed: JsonObject;
}

/** How one upstream presents itself. */
export interface RelayServer {
  readonly alias: string;
  /** Its capabilities in MCP's shape; empty before it was reached. */
  readonly capabilities: JsonObject;
  readonly instructions: string;
  readonly state: string;
}

/** Everything a tenant can reach, at one moment. It never changes: a change makes a new one. */
export interface RelayCatalogue {
  readonly servers: readonly RelayServer[];
  readonly tools: readonly RelayTool[];
  readonly prompts: readonly RelayItem[];
  readonly resources: readonly RelayItem[];
  readonly resourceTemplates: readonly RelayItem[];
}

/** Something changed at an upstream, or for whom it may be. */
export type RelayChange =
  | { readonly type: 'tools' | 'prompts' | 'resources'; readonly alias: string }
  | { readonly type: 'resource-updated'; readonly alias: string; readonly uri: string }
  /** What `visible` answers may be another from now on. */
  | { readonly type: 'visibility' };

/**
 * The way from a façade to the upstreams. The gateway makes one; the host puts policy, limits and audit around it (same
 * interface), so that no path avoids them.
 */
export interface McpRelay {
  /** At once, whatever the upstreams do. */
  catalogue(tenant: string): RelayCatalogue;
  /**
   * Names of those of the tools that the principal could be allowed to call with some arguments; where there is no such
   * member, that is all of them. It only says what to show: every call is decided for itself.
   */
  visible?(principal: Principal, tools: readonly RelayTool[]): Promise<ReadonlySet<string>>;
  /**
   * One request to one upstream. `tool` is set for `tools/call`, and its `params.name` is then the server's own name.
   * Throws `mcp_tool_not_found` for an alias the tenant does not have.
   */
  exchange(
    target: { readonly alias: string; readonly tool?: RelayTool },
    exchange: Exchange,
    context: ExchangeContext,
  ): Promise<ExchangeOutcome>;
  /**
   * Nobody will go on with what asked for input under this `requestState`: the upstream is told. Nothing happens when it is
   * not of this principal, is over, or is the upstream's own to keep.
   */
  abandon(principal: Principal, alias: string, requestState: string): void;
  /** Returns the way to stop. */
  onChange(listener: (change: RelayChange) => void): () => void;
  /**
   * Asks the upstream to report changes of the resource while anybody watches. Resolves to the way to stop, rejects when it
   * may not be watched; whoever no longer wants it meanwhile stops it then.
   */
  watchResource(principal: Principal, alias: string, uri: string): Promise<() => void>;
}

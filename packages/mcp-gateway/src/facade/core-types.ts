import type { Clock, JsonObject, Keys, Principal } from '@modelhost/kernel';
import type { InputRequest, McpRelay, RpcError } from '../relay.ts';

/** How names of several servers become names of one. Resource URIs get a prefix; with `none` only where they need one. */
export type FacadeNaming =
  /** `alias__name`, as the catalogue has it. */
  | 'prefix'
  /** The servers' own names; of two that are the same, the first in the catalogue is shown and the other hidden. */
  | 'none'
  /** The servers' own names, and `alias__name` for those that two servers have. */
  | 'on-collision'
  /** By catalogue name (`alias__name`), the name to show; what is not in it keeps its catalogue name. */
  | { readonly map: Readonly<Record<string, string>> };

/** What a client of one path sees. */
export interface FacadeView {
  /** Part of what seals a state: a state of one view opens in no other. */
  readonly name: string;
  readonly naming: FacadeNaming;
  /** Aliases; undefined for all. */
  readonly servers: readonly string[] | undefined;
  /** Catalogue names (`alias__tool`, or `alias__*` for all of a server); undefined for all. */
  readonly tools: readonly string[] | undefined;
  /** Whether three tools to search, describe and call stand for the catalogue; `auto` when it is too big. */
  readonly search: 'auto' | 'always' | 'never';
  /** How many tokens of definitions are too big for `auto`; 4,000 when absent, 2 % of a window of 200,000. */
  readonly searchTokensMax?: number;
  /** A call that takes longer becomes a task, for clients that know tasks; undefined for never. */
  readonly taskAfterMs: number | undefined;
}

/** Who asks, and in which protocol. */
export interface FacadeCaller {
  readonly principal: Principal;
  /** The client's own, in MCP's shape. */
  readonly capabilities: JsonObject;
  readonly era: 'modern' | 'legacy';
}

/** One JSON-RPC request, parsed; `params` is whatever came. */
export interface FacadeRequest {
  readonly method: string;
  readonly params: unknown;
}

/** How a request in progress talks to its client. */
export interface FacadeIo {
  /** Aborted when the client no longer waits. */
  readonly signal: AbortSignal;
  /** What `relayedMeta` left of the request's `_meta`. */
  readonly meta: JsonObject;
  readonly logLevel?: string;
  readonly onProgress?: (params: JsonObject) => void;
  readonly onLog?: (params: JsonObject) => void;
}

/** What a request came to. `handle` never throws: a fault is an `error`, or a result with `isError`. */
export type FacadeOutcome =
  /**
   * Without `resultType`, unless it is `task`. `text` is the same result as JSON for the wire of 2026-07-28, with
   * everything in it, where it is kept ready.
   */
  | { readonly kind: 'result'; readonly result: JsonObject; readonly text?: string }
  | {
      readonly kind: 'input-required';
      readonly inputRequests: Readonly<Record<string, InputRequest>>;
      /** Sealed; goes back unread with the answers. */
      readonly requestState: string | undefined;
    }
  | { readonly kind: 'error'; readonly error: RpcError };

/** A change that a client of this view may hear of, in the view's names. */
export type FacadeChange =
  | { readonly type: 'tools' | 'prompts' | 'resources' }
  | { readonly type: 'resource-updated'; readonly uri: string }
  /** `params` of `notifications/tasks`. */
  | { readonly type: 'task'; readonly taskId: string; readonly params: JsonObject };

/** How the façade presents itself to a client. */
export interface FacadePresentation {
  readonly capabilities: JsonObject;
  readonly instructions: string;
  readonly serverInfo: JsonObject;
}

/** A value of a call's arguments that a request over HTTP repeats in a header (`x-mcp-header`). */
export interface ParamHeader {
  /** Lower-case, such as `mcp-param-region`. */
  readonly header: string;
  /** Where the value is in the arguments. */
  readonly path: readonly string[];
}

/** What a client wants to hear of (`subscriptions/listen`), or agreed to. */
export interface SubscriptionFilter {
  readonly toolsListChanged?: boolean;
  readonly promptsListChanged?: boolean;
  readonly resourcesListChanged?: boolean;
  readonly resourceSubscriptions?: readonly string[];
  readonly taskIds?: readonly string[];
}

/** Where the messages of a subscription go: either a refusal, or first what is accepted and then changes. */
export interface SubscriptionSink {
  /** What of the filter is honoured; with nothing of it, nothing will ever come. */
  onAccept(accepted: SubscriptionFilter): void;
  /** There is no subscription. */
  onRefuse(error: RpcError): void;
  onChange(change: FacadeChange): void;
  /** The façade closes: nothing more will come. */
  onEnd(): void;
}

/** Bounds and lifetimes of a façade. */
export interface FacadeBounds {
  /** Hard limit of one exchange. */
  readonly callTimeoutMs: number;
  /** Entries of one page of a list. */
  readonly pageItemsMax: number;
  /** How long a client may keep a list without asking. */
  readonly listTtlMs: number;
  /** Bytes of a sealed state. */
  readonly stateBytesMax: number;
  /** How long a sealed state can be answered. */
  readonly stateTtlMs: number;
  /** Kept tasks of one tenant, running or not, and of all. */
  readonly tasksPerTenantMax: number;
  readonly tasksMax: number;
  /** Bytes of results that are kept for tasks of one tenant, and of all. */
  readonly taskBytesPerTenantMax: number;
  readonly taskBytesMax: number;
  /** How long a task is kept after it began. */
  readonly taskTtlMs: number;
  /** Advice to clients that poll. */
  readonly taskPollIntervalMs: number;
  /** How long a tool that requires a task may ask for input before the task begins. */
  readonly taskInputGraceMs: number;
  /** Open subscriptions of one principal, and of all. */
  readonly subscriptionsPerPrincipalMax: number;
  readonly subscriptionsMax: number;
  /** Resources that one subscription may watch. */
  readonly watchedMax: number;
}

/** What a façade needs. */
export interface FacadeCoreOptions {
  readonly relay: McpRelay;
  readonly view: FacadeView;
  readonly keys: Keys;
  readonly version: string;
  readonly clock: Clock;
  /** Unguessable, at least 128 bits: it names tasks. */
  readonly randomId: () => string;
  readonly bounds?: Partial<FacadeBounds>;
}

/** The part of the façade that knows nothing of transports. */
export interface FacadeCore {
  readonly view: FacadeView;
  /** Name and version of the host. */
  readonly serverInfo: JsonObject;
  /** The one that everything of the façade goes by. */
  readonly clock: Clock;
  /** Whether the method exists for clients of this era. */
  isMethod(method: string, era: FacadeCaller['era']): boolean;
  handle(request: FacadeRequest, caller: FacadeCaller, io: FacadeIo): Promise<FacadeOutcome>;
  /** The caller will not go on with what asked for input under this state; without effect for any other state. */
  abandon(caller: FacadeCaller, requestState: string): void;
  presentation(caller: FacadeCaller): FacadePresentation;
  /** Headers that a call of the tool must carry; none for a tool that is unknown. */
  paramHeaders(caller: FacadeCaller, tool: string): readonly ParamHeader[];
  /** Changes that concern the view and the caller's tenant. Returns the way to stop. */
  onChange(caller: FacadeCaller, listener: (change: FacadeChange) => void): () => void;
  /**
   * Watches a resource by its name in the view; undefined when nobody has it. Resolves to the way to stop, and rejects when
   * the caller may not watch it.
   */
  watchResource(caller: FacadeCaller, uri: string): Promise<(() => void) | undefined>;
  /**
   * Opens a subscription by the params of `subscriptions/listen`: at once, or when it is decided what may be watched.
   * Returns the way to end it from the client's side at any time; the sink then hears nothing more.
   */
  subscribe(caller: FacadeCaller, params: unknown, sink: SubscriptionSink): () => void;
  /** Ends subscriptions and tasks. */
  close(): void;
}

import { isJsonObject } from '@modelhost/kernel';
import type { Json } from '@modelhost/kernel';
import type { RpcError } from '../relay.ts';
import { hasTasks } from '../tasks-extension.ts';
import type {
  FacadeBounds,
  FacadeCaller,
  FacadeChange,
  FacadeCore,
  SubscriptionFilter,
  SubscriptionSink,
} from './core-types.ts';
import { invalidParams, rpcCodes, toRpcError } from './rpc-errors.ts';

/** Open subscriptions of one façade. */
export interface Subscriptions {
  subscribe: FacadeCore['subscribe'];
  /** Ends them all; their sinks are told. */
  close(): void;
}

/** What subscriptions are made with. */
export interface SubscriptionsOptions {
  readonly bounds: FacadeBounds;
  readonly onChange: FacadeCore['onChange'];
  readonly watchResource: FacadeCore['watchResource'];
  /** Whether the caller has such a task. */
  readonly hasTask: (caller: FacadeCaller, taskId: string) => boolean;
}

/** Counts subscriptions, of each principal and of all, and lets through what each one asked for. */
export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { bounds, onChange, watchResource, hasTask } = options;
  const open = new Map<SubscriptionSink, { readonly owner: string; readonly stop: () => void }>();

  function isFull(owner: string): boolean {
    const own = [...open.values()].filter((entry) => entry.owner === owner);
    return (
      open.size >= bounds.subscriptionsMax || own.length >= bounds.subscriptionsPerPrincipalMax
    );
  }

  function subscribe(caller: FacadeCaller, params: unknown, sink: SubscriptionSink): () => void {
    const requested = readFilter(params, bounds.watchedMax);
    if ('error' in requested) return refuse(sink, requested.error);
    const { tenant, subject } = caller.principal;
    const owner = JSON.stringify([tenant, subject]);
    if (isFull(owner)) return refuse(sink, tooMany);
    const watches = createWatches((uri) => watchResource(caller, uri));
    let unlisten: (() => void) | undefined;
    const stop = (): void => {
      if (!open.delete(sink)) return;
      unlisten?.();
      watches.stop();
    };
    const begin = (watched: readonly string[]): void => {
      if (!open.has(sink)) return;
      const accepted = accept(caller, requested, watched);
      unlisten = onChange(caller, (change) => {
        if (isWanted(accepted, change)) sink.onChange(change);
      });
      sink.onAccept(accepted);
    };
    // It counts while it is decided, too.
    open.set(sink, { owner, stop });
    const { resourceSubscriptions: uris = [] } = requested;
    if (uris.length === 0) begin([]);
    else void watches.begin(uris).then(begin, (thrown: unknown) => fail(sink, thrown));
    return stop;
  }

  function fail(sink: SubscriptionSink, thrown: unknown): void {
    const entry = open.get(sink);
    // Whoever has left is told nothing.
    if (entry === undefined) return;
    entry.stop();
    sink.onRefuse(toRpcError(thrown));
  }

  function accept(
    caller: FacadeCaller,
    requested: SubscriptionFilter,
    uris: readonly string[],
  ): SubscriptionFilter {
    const { taskIds: asked = [], resourceSubscriptions: _, ...lists } = requested;
    const taskIds = hasTasks(caller.capabilities)
      ? asked.filter((taskId) => hasTask(caller, taskId))
      : [];
    return {
      ...lists,
      ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }),
      ...(taskIds.length === 0 ? {} : { taskIds }),
    };
  }

  function close(): void {
    for (const [sink, { stop }] of open) {
      stop();
      sink.onEnd();
    }
  }

  return { subscribe, close };
}

function refuse(sink: SubscriptionSink, error: RpcError): () => void {
  sink.onRefuse(error);
  return () => {};
}

interface Watches {
  /** Resolves to those that somebody has; rejects when one of them cannot be watched. */
  begin(uris: readonly string[]): Promise<readonly string[]>;
  stop(): void;
}

/** Once stopped, what is still being decided is stopped as soon as it is. */
function createWatches(watch: (uri: string) => Promise<(() => void) | undefined>): Watches {
  const stops: (() => void)[] = [];
  let isOver = false;

  async function begin(uris: readonly string[]): Promise<readonly string[]> {
    const watched: string[] = [];
    for (const uri of new Set(uris)) {
      if (isOver) break;
      // One by one: after a refusal nothing more is asked of anybody.
      const stop = await watch(uri);
      if (stop === undefined) continue;
      stops.push(stop);
      watched.push(uri);
    }
    if (isOver) stopAll();
    return watched;
  }

  function stopAll(): void {
    for (const stop of stops.splice(0)) stop();
  }

  return {
    begin,
    stop() {
      isOver = true;
      stopAll();
    },
  };
}

const tooMany: RpcError = {
  code: rpcCodes.internal,
  message: 'too many subscriptions are open',
  data: { code: 'overloaded' },
};

function isWanted(filter: SubscriptionFilter, change: FacadeChange): boolean {
  switch (change.type) {
    case 'tools':
      return filter.toolsListChanged === true;
    case 'prompts':
      return filter.promptsListChanged === true;
    case 'resources':
      return filter.resourcesListChanged === true;
    case 'resource-updated':
      return filter.resourceSubscriptions?.includes(change.uri) === true;
    case 'task':
      return filter.taskIds?.includes(change.taskId) === true;
  }
}

const flags = ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'] as const;
const lists = ['resourceSubscriptions', 'taskIds'] as const;

function readFilter(
  params: unknown,
  itemsMax: number,
): SubscriptionFilter | { readonly error: RpcError } {
  const wanted = isJsonObject(params) ? params['notifications'] : undefined;
  if (!isJsonObject(wanted)) return refused('params.notifications must be an object');
  for (const flag of flags) {
    const value = wanted[flag];
    if (value !== undefined && typeof value !== 'boolean') {
      return refused(`params.notifications.${flag} must be a boolean`);
    }
  }
  for (const list of lists) {
    if (!isTexts(wanted[list], itemsMax)) {
      return refused(`params.notifications.${list} must be at most ${itemsMax} texts`);
    }
  }
  const entries = [...flags, ...lists].flatMap((key) => {
    const value = wanted[key];
    return value === undefined || value === false ? [] : [[key, value] as const];
  });
  return Object.fromEntries(entries);
}

function isTexts(value: Json | undefined, itemsMax: number): boolean {
  if (value === undefined) return true;
  if (!Array.isArray(value) || value.length > itemsMax) return false;
  return value.every((item) => typeof item === 'string');
}

function refused(message: string): { readonly error: RpcError } {
  return { error: invalidParams(message) };
}

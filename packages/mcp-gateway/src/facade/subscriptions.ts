import { isJsonObject } from '@modelhost/kernel';
import type { Json } from '@modelhost/kernel';
import type { RpcError } from '../relay.ts';
import { hasTasks } from './client-capabilities.ts';
import type {
  FacadeBounds,
  FacadeCaller,
  FacadeChange,
  FacadeCore,
  Subscription,
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

interface Watched {
  readonly uris: readonly string[];
  readonly stop: () => void;
}

/** Counts subscriptions, of each principal and of all, and lets through what each one asked for. */
export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { bounds, onChange, watchResource, hasTask } = options;
  const open = new Map<SubscriptionSink, { readonly owner: string; readonly stop: () => void }>();

  function countOf(owner: string): number {
    return [...open.values()].filter((entry) => entry.owner === owner).length;
  }

  function subscribe(
    caller: FacadeCaller,
    params: unknown,
    sink: SubscriptionSink,
  ): Subscription | { readonly error: RpcError } {
    const requested = readFilter(params, bounds.watchedMax);
    if ('error' in requested) return requested;
    const { tenant, subject } = caller.principal;
    const owner = JSON.stringify([tenant, subject]);
    const isFull =
      open.size >= bounds.subscriptionsMax || countOf(owner) >= bounds.subscriptionsPerPrincipalMax;
    if (isFull) return { error: tooMany };
    const watched = watchAll(watchResource, caller, requested.resourceSubscriptions ?? []);
    if ('error' in watched) return watched;
    const accepted = accept(caller, requested, watched.uris);
    const unlisten = onChange(caller, (change) => {
      if (isWanted(accepted, change)) sink.onChange(change);
    });
    const stop = (): void => {
      if (!open.delete(sink)) return;
      unlisten();
      watched.stop();
    };
    open.set(sink, { owner, stop });
    return { accepted, close: stop };
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

/** All of them or, when one cannot be had, none. */
function watchAll(
  watchResource: FacadeCore['watchResource'],
  caller: FacadeCaller,
  uris: readonly string[],
): Watched | { readonly error: RpcError } {
  const stops = new Map<string, () => void>();
  const stopAll = (): void => {
    for (const stop of stops.values()) stop();
  };
  try {
    for (const uri of new Set(uris)) {
      const stop = watchResource(caller, uri);
      if (stop !== undefined) stops.set(uri, stop);
    }
  } catch (thrown) {
    // Nobody would ever stop what was begun.
    stopAll();
    return { error: toRpcError(thrown) };
  }
  return { uris: [...stops.keys()], stop: stopAll };
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

import { HostError, isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { McpRelay, RelayCatalogue, RelayChange } from '../relay.ts';
import { hasTasks, tasksExtension } from '../tasks-extension.ts';
import { createCallOutcomes } from './call-outcomes.ts';
import { createCallRunner } from './call-runner.ts';
import type { CallRunner } from './call-runner.ts';
import type {
  FacadeBounds,
  FacadeCaller,
  FacadeChange,
  FacadeCore,
  FacadeCoreOptions,
  FacadeIo,
  FacadeOutcome,
  FacadeView,
} from './core-types.ts';
import { createDispatch, isFacadeMethod } from './dispatch.ts';
import type { Sight } from './dispatch.ts';
import { readInstructions } from './instructions.ts';
import { serverInfoKey } from './modern-messages.ts';
import { toRpcError } from './rpc-errors.ts';
import { createSealedStates } from './sealed-state.ts';
import { createSubscriptions } from './subscriptions.ts';
import { createTaskCalls } from './task-calls.ts';
import { createTaskStore, isOwn } from './task-store.ts';
import type { TaskStore } from './task-store.ts';
import { toDetailed } from './task-wire.ts';
import { createViewIndex } from './view-index.ts';
import type { ViewIndex } from './view-index.ts';

const defaultBounds: FacadeBounds = {
  callTimeoutMs: 600_000,
  pageItemsMax: 1_000,
  listTtlMs: 10_000,
  stateBytesMax: 65_536,
  stateTtlMs: 600_000,
  tasksPerTenantMax: 1_000,
  tasksMax: 10_000,
  taskBytesPerTenantMax: 33_554_432,
  taskBytesMax: 268_435_456,
  taskTtlMs: 900_000,
  taskPollIntervalMs: 500,
  taskInputGraceMs: 1_000,
  subscriptionsPerPrincipalMax: 32,
  subscriptionsMax: 1_024,
  watchedMax: 256,
};

/**
 * Makes what answers MCP requests for one view, whatever brings them. It decides nothing: policy, limits and audit are
 * around the relay. What is kept of a catalogue is made once for each catalogue object, so the relay gives the same
 * object for as long as nothing changed.
 */
export function createFacadeCore(options: FacadeCoreOptions): FacadeCore {
  const { relay, view, version, clock } = options;
  checkView(view);
  const bounds = { ...defaultBounds, ...options.bounds };
  const serverInfo = { name: 'model-host', version };
  const indexOf = createIndexes(options, { bounds, meta: { [serverInfoKey]: serverInfo } });
  const store = createTaskStore({ clock, bounds });
  const { runCall, abandon } = createCalls(options, { bounds, store });

  function presentation({ principal, era }: FacadeCaller): ReturnType<FacadeCore['presentation']> {
    const index = indexOf(principal.tenant);
    const capabilities = era === 'modern' ? modernCapabilities : legacyCapabilities;
    return { capabilities, instructions: readInstructions(index), serverInfo };
  }

  const sight = createSight(relay);
  const dispatch = createDispatch({ bounds, runCall, store, presentation, sight });

  async function handle(
    request: Parameters<FacadeCore['handle']>[0],
    caller: FacadeCaller,
    io: FacadeIo,
  ): Promise<FacadeOutcome> {
    try {
      return await dispatch(request, { caller, io, index: indexOf(caller.principal.tenant) });
    } catch (thrown) {
      return { kind: 'error', error: toRpcError(thrown) };
    }
  }

  function onChange(caller: FacadeCaller, listener: (change: FacadeChange) => void): () => void {
    const { principal } = caller;
    const stopRelay = relay.onChange((change) => {
      const shown = toShownChange(change, indexOf(principal.tenant));
      if (shown !== undefined) listener(shown);
    });
    const knowsTasks = hasTasks(caller.capabilities);
    const stopTasks = store.onUpdate((record) => {
      if (!knowsTasks || !isOwn(record, principal)) return;
      listener({ type: 'task', taskId: record.task.id, params: toDetailed(record, bounds) });
    });
    return () => {
      stopRelay();
      stopTasks();
    };
  }

  const watchResource: FacadeCore['watchResource'] = async ({ principal }, uri) => {
    const address = indexOf(principal.tenant).uris.find(uri);
    return address && relay.watchResource(principal, address.alias, address.uri);
  };

  const subscriptions = createSubscriptions({
    bounds,
    onChange,
    watchResource,
    hasTask: ({ principal }, taskId) => store.find(principal, taskId) !== undefined,
  });

  return {
    view,
    serverInfo,
    clock,
    isMethod: isFacadeMethod,
    handle,
    abandon,
    presentation,
    paramHeaders: ({ principal }, tool) => indexOf(principal.tenant).tools.get(tool)?.headers ?? [],
    onChange,
    watchResource,
    subscribe: subscriptions.subscribe,
    close() {
      subscriptions.close();
      store.close();
    },
  };
}

interface Calls extends Pick<FacadeCore, 'abandon'> {
  readonly runCall: CallRunner;
}

function createCalls(
  { relay, view, keys, clock, randomId }: FacadeCoreOptions,
  { bounds, store }: { readonly bounds: FacadeBounds; readonly store: TaskStore },
): Calls {
  const states = createSealedStates({
    keys,
    view: view.name,
    now: () => clock.now(),
    randomId,
    ttlMs: bounds.stateTtlMs,
    bytesMax: bounds.stateBytesMax,
  });
  const outcomes = createCallOutcomes({ relay, states, bounds });
  const tasks = createTaskCalls({ store, outcomes, view, bounds, clock, randomId });

  function abandon({ principal }: FacadeCaller, requestState: string): void {
    const opened = states.read(requestState, principal);
    if (opened !== undefined) relay.abandon(principal, opened.alias, opened.state);
  }

  return { runCall: createCallRunner({ outcomes, states, tasks }), abandon };
}

/** Policy is asked each time, so that what it says now is what is shown. */
function createSight(relay: McpRelay): Sight {
  return ({ principal }, index) =>
    relay.visible === undefined
      ? index.allTools
      : relay.visible(principal, index.relayTools).then((names) => index.toolsAmong(names));
}

/** What is made of a catalogue lives as long as the catalogue does. */
function createIndexes(
  { relay, view }: FacadeCoreOptions,
  options: { readonly bounds: FacadeBounds; readonly meta: JsonObject },
): (tenant: string) => ViewIndex {
  const indexes = new WeakMap<RelayCatalogue, ViewIndex>();
  return (tenant) => {
    const catalogue = relay.catalogue(tenant);
    const known = indexes.get(catalogue);
    if (known !== undefined) return known;
    const index = createViewIndex(catalogue, view, options);
    indexes.set(catalogue, index);
    return index;
  };
}

/** The same whatever servers there are: one that starts late must not need a client to connect again. */
const listCapabilities: JsonObject = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
};
const legacyCapabilities = listCapabilities;
const modernCapabilities: JsonObject = {
  ...listCapabilities,
  extensions: { [tasksExtension]: {} },
};

function toShownChange(change: RelayChange, index: ViewIndex): FacadeChange | undefined {
  if (change.type === 'visibility') return { type: 'tools' };
  if (!index.aliases.has(change.alias)) return undefined;
  if (change.type !== 'resource-updated') return { type: change.type };
  return { type: 'resource-updated', uri: index.uris.show(change.alias, change.uri) };
}

/** Names that an operator chose must be names, and no two the same. */
function checkView({ name, naming }: FacadeView): void {
  if (!isJsonObject(naming) || !('map' in naming)) return;
  const names = Object.values(naming.map);
  const isLegal = names.every((shown) => /^[A-Za-z0-9_.-]{1,128}$/.test(shown));
  if (isLegal && new Set(names).size === names.length) return;
  const message = `view ${name}: names must be 1 to 128 of A-Z, a-z, 0-9, "_", "." and "-", and unique`;
  throw new HostError('config_invalid', message);
}

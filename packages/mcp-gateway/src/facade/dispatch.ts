import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type {
  FacadeBounds,
  FacadeCaller,
  FacadeCore,
  FacadeIo,
  FacadeOutcome,
  FacadeRequest,
} from './core-types.ts';
import type { ListKey } from './list-pages.ts';
import type { CallRunner } from './relayed-calls.ts';
import {
  readCompletion,
  readPromptGet,
  readResourceRead,
  readToolCall,
} from './relayed-requests.ts';
import type { ReadRequest } from './relayed-requests.ts';
import { invalidParams, methodNotFound } from './rpc-errors.ts';
import { answerTaskMethod } from './task-methods.ts';
import type { TaskStore } from './task-store.ts';
import { createToolFinder, runSearchTool } from './tool-search.ts';
import type { ToolFinder } from './tool-search.ts';
import type { ViewIndex } from './view-index.ts';

const bothEras = [
  ...(['tools/list', 'tools/call', 'prompts/list', 'prompts/get', 'resources/list'] as const),
  ...(['resources/templates/list', 'resources/read', 'completion/complete'] as const),
];
const modernOnly = ['server/discover', 'tasks/get', 'tasks/update', 'tasks/cancel'] as const;
type Method = (typeof bothEras)[number] | (typeof modernOnly)[number] | 'ping';

const methods: Readonly<Record<FacadeCaller['era'], ReadonlySet<string>>> = {
  modern: new Set<string>([...bothEras, ...modernOnly]),
  legacy: new Set<string>([...bothEras, 'ping']),
};

/** Versions of the protocol without a handshake. */
export const modernVersions: readonly string[] = ['2026-07-28'];

/** Whether a request of this method is answered by the dispatch. */
export function isFacadeMethod(method: string, era: FacadeCaller['era']): boolean {
  return methods[era].has(method);
}

/** One request, and what it is answered from. */
export interface DispatchContext {
  readonly caller: FacadeCaller;
  readonly io: FacadeIo;
  readonly index: ViewIndex;
}

/** What a dispatch is made with. */
export interface DispatchOptions {
  readonly bounds: FacadeBounds;
  readonly runCall: CallRunner;
  readonly store: TaskStore;
  readonly presentation: FacadeCore['presentation'];
}

/** Leads each request to what answers it. */
export type Dispatch = (
  request: FacadeRequest,
  context: DispatchContext,
) => FacadeOutcome | Promise<FacadeOutcome>;

/** Params are checked by hand: a schema library would cost more than everything else here. */
export function createDispatch(options: DispatchOptions): Dispatch {
  const { bounds, runCall, store, presentation } = options;
  const finders = new WeakMap<ViewIndex, ToolFinder>();

  function finderOf(index: ViewIndex): ToolFinder {
    const known = finders.get(index);
    if (known !== undefined) return known;
    const finder = createToolFinder(
      [...index.tools].map(([name, { tool }]) => ({
        name,
        title: textOf(tool.listed['title']),
        description: textOf(tool.listed['description']),
      })),
    );
    finders.set(index, finder);
    return finder;
  }

  function callTool(
    params: JsonObject,
    context: DispatchContext,
  ): FacadeOutcome | Promise<FacadeOutcome> {
    const { name, arguments: values = {} } = params;
    if (typeof name !== 'string') return refused('params.name must be the name of a tool');
    if (!isJsonObject(values)) return refused('params.arguments must be an object');
    const { index } = context;
    if (!index.isSearched) return pass(readToolCall(name, values, index), params, context);
    const call = runSearchTool(
      { name, arguments: values },
      {
        find: (query, limit) => finderOf(index)(query, limit),
        listed: (tool) => index.listed(tool),
      },
    );
    if (call === undefined) return pass(readToolCall(name, values, index), params, context);
    if (call.kind !== 'call') return call;
    return pass(readToolCall(call.name, call.arguments, index), params, context);
  }

  function pass(
    read: ReadRequest,
    params: JsonObject,
    { caller, io, index }: DispatchContext,
  ): FacadeOutcome | Promise<FacadeOutcome> {
    if (read.kind === 'error') return read;
    return runCall({ request: read.request, params, index, caller, io });
  }

  function complete(
    params: JsonObject,
    context: DispatchContext,
  ): FacadeOutcome | Promise<FacadeOutcome> {
    const read = readCompletion(params, context.index);
    return read === undefined ? noCompletion : pass(read, params, context);
  }

  function discover(caller: FacadeCaller): FacadeOutcome {
    const { capabilities, instructions } = presentation(caller);
    return {
      kind: 'result',
      result: {
        supportedVersions: modernVersions,
        capabilities,
        ...(instructions === '' ? {} : { instructions }),
        ttlMs: bounds.listTtlMs,
        cacheScope: 'private',
      },
    };
  }

  function answer(
    method: Method,
    params: JsonObject,
    context: DispatchContext,
  ): FacadeOutcome | Promise<FacadeOutcome> {
    const { caller, index } = context;
    switch (method) {
      case 'tools/call':
        return callTool(params, context);
      case 'tools/list':
        return list('tools', params, index);
      case 'prompts/list':
        return list('prompts', params, index);
      case 'resources/list':
        return list('resources', params, index);
      case 'resources/templates/list':
        return list('resourceTemplates', params, index);
      case 'prompts/get':
        return pass(readPromptGet(params, index), params, context);
      case 'resources/read':
        return pass(readResourceRead(params, index), params, context);
      case 'completion/complete':
        return complete(params, context);
      case 'server/discover':
        return discover(caller);
      case 'tasks/get':
      case 'tasks/update':
      case 'tasks/cancel':
        return answerTaskMethod(method, params, { caller, store, bounds });
      case 'ping':
        return { kind: 'result', result: {} };
    }
  }

  return ({ method, params = {} }, context) => {
    if (!isMethod(method, context.caller.era)) {
      return { kind: 'error', error: methodNotFound(method) };
    }
    if (!isJsonObject(params)) return refused('params must be an object');
    return answer(method, params, context);
  };
}

const noCompletion: FacadeOutcome = { kind: 'result', result: { completion: { values: [] } } };

function list(key: ListKey, { cursor }: JsonObject, index: ViewIndex): FacadeOutcome {
  if (cursor !== undefined && typeof cursor !== 'string') {
    return refused('params.cursor must be a text');
  }
  const page = index.pages(key).page(cursor);
  if (page === undefined) {
    return refused('params.cursor is not valid: the list has changed, begin again without one');
  }
  return { kind: 'result', ...page };
}

function isMethod(method: string, era: FacadeCaller['era']): method is Method {
  return isFacadeMethod(method, era);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function refused(message: string): FacadeOutcome {
  return { kind: 'error', error: invalidParams(message) };
}

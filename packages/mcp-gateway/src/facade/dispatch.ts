import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { CallRunner } from './call-runner.ts';
import type {
  FacadeBounds,
  FacadeCaller,
  FacadeCore,
  FacadeIo,
  FacadeOutcome,
  FacadeRequest,
} from './core-types.ts';
import type { ListPages } from './list-pages.ts';
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
import { readSearchCall } from './tool-search.ts';
import type { ViewIndex } from './view-index.ts';
import type { VisibleTools } from './visible-tools.ts';

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

/** What the caller sees of the tools of an index; at once where nothing is hidden from anybody. */
export type Sight = (
  caller: FacadeCaller,
  index: ViewIndex,
) => VisibleTools | Promise<VisibleTools>;

/** What a dispatch is made with. */
export interface DispatchOptions {
  readonly sight: Sight;
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
  return ({ method, params = {} }, context) => {
    if (!isMethod(method, context.caller.era)) {
      return { kind: 'error', error: methodNotFound(method) };
    }
    if (!isJsonObject(params)) return refused('params must be an object');
    return answer(method, params, context, options);
  };
}

type Answer = FacadeOutcome | Promise<FacadeOutcome>;
type AnswerFrom = (tools: VisibleTools) => FacadeOutcome;

function answer(
  method: Method,
  params: JsonObject,
  context: DispatchContext,
  options: DispatchOptions,
): Answer {
  const { index } = context;
  const pass = (read: ReadRequest): Answer => passOn(read, params, context, options);
  const see = (answerFrom: AnswerFrom): Answer => {
    const seen = options.sight(context.caller, index);
    return seen instanceof Promise ? seen.then(answerFrom) : answerFrom(seen);
  };
  switch (method) {
    case 'tools/call':
      return callTool(params, index, { pass, see });
    case 'tools/list':
      return see((tools) => list(tools.pages(), params));
    case 'prompts/list':
      return list(index.pages('prompts'), params);
    case 'resources/list':
      return list(index.pages('resources'), params);
    case 'resources/templates/list':
      return list(index.pages('resourceTemplates'), params);
    case 'prompts/get':
      return pass(readPromptGet(params, index));
    case 'resources/read':
      return pass(readResourceRead(params, index));
    case 'completion/complete': {
      const read = readCompletion(params, index);
      return read === undefined ? noCompletion : pass(read);
    }
    case 'server/discover':
      return discover(context, options);
    case 'tasks/get':
    case 'tasks/update':
    case 'tasks/cancel':
      return answerTaskMethod(method, params, { ...options, caller: context.caller });
    case 'ping':
      return { kind: 'result', result: {} };
  }
}

function callTool(
  params: JsonObject,
  index: ViewIndex,
  {
    pass,
    see,
  }: {
    readonly pass: (read: ReadRequest) => Answer;
    readonly see: (answerFrom: AnswerFrom) => Answer;
  },
): Answer {
  const { name, arguments: values = {} } = params;
  if (typeof name !== 'string') return refused('params.name must be the name of a tool');
  if (!isJsonObject(values)) return refused('params.arguments must be an object');
  const call = index.isSearched ? readSearchCall(name, values) : undefined;
  switch (call?.kind) {
    case undefined:
      return pass(readToolCall(name, values, index));
    case 'call':
      return pass(readToolCall(call.name, call.arguments, index));
    case 'look-up':
      return see((tools) => ({ kind: 'result', result: call.answer(tools) }));
    case 'error':
      return call;
  }
}

function passOn(
  read: ReadRequest,
  params: JsonObject,
  { caller, io, index }: DispatchContext,
  { runCall }: DispatchOptions,
): Answer {
  if (read.kind === 'error') return read;
  return runCall({ request: read.request, params, index, caller, io });
}

function discover(
  { caller }: DispatchContext,
  { presentation, bounds }: DispatchOptions,
): FacadeOutcome {
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

const noCompletion: FacadeOutcome = { kind: 'result', result: { completion: { values: [] } } };

function list(pages: ListPages, { cursor }: JsonObject): FacadeOutcome {
  if (cursor !== undefined && typeof cursor !== 'string') {
    return refused('params.cursor must be a text');
  }
  const page = pages.page(cursor);
  if (page === undefined) {
    return refused('params.cursor is not valid: the list has changed, begin again without one');
  }
  return { kind: 'result', ...page };
}

function isMethod(method: string, era: FacadeCaller['era']): method is Method {
  return isFacadeMethod(method, era);
}

function refused(message: string): FacadeOutcome {
  return { kind: 'error', error: invalidParams(message) };
}

import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import type { ExchangeOutcome, RelayedMethod } from '../relay.ts';
import { failed } from './failures.ts';
import type { Inquiry } from './inquiry.ts';
import { readInputRequests, readOutcome, unreadable } from './outcome.ts';
import { splitRoots } from './roots.ts';
import { readRpcError } from './rpc-message.ts';
import type { RpcAnswer } from './rpc-message.ts';
import type { RequestListener, Wire } from './wire.ts';

/** What following a task needs. */
export interface TaskOptions {
  readonly server: string;
  /** Of the request that became the task. */
  readonly method: RelayedMethod;
  /** `_meta` of every request. */
  readonly meta: JsonObject;
  /** Answers `roots/list` in the place of the caller. */
  readonly rootsResult: JsonObject | undefined;
  /** Told which task it is, so that it can be cancelled. */
  readonly onTask: (taskId: string) => void;
  /** Keeps a task that needs input under a name to come back with; undefined when there is no room. */
  readonly park: (taskId: string) => string | undefined;
}

const pollMsDefault = 1_000;
const pollMsMin = 50;
const pollMsMax = 30_000;

/** Asks for the task, as often as its server likes, until it is over or needs input. The time limits are the inquiry's. */
export async function followTask(
  inquiry: Inquiry,
  task: JsonObject,
  options: TaskOptions,
): Promise<ExchangeOutcome> {
  const { server, onTask } = options;
  const { taskId } = task;
  if (typeof taskId !== 'string' || taskId === '') throw unreadable(server);
  onTask(taskId);
  let state = task;
  for (;;) {
    // Each look follows the one before it; the inquiry ends the waiting.
    await inquiry.pause(readPollMs(state)); // oxlint-disable-line no-await-in-loop
    const answer = await askFor(inquiry, 'tasks/get', { taskId }, options); // oxlint-disable-line no-await-in-loop
    if (answer.kind === 'error') return answer;
    state = answer.result;
    const outcome = await readTask(inquiry, { taskId, state }, options); // oxlint-disable-line no-await-in-loop
    if (outcome !== undefined) return outcome;
  }
}

/** Goes on with a task that waited for input. */
export async function goOnWithTask(
  inquiry: Inquiry,
  { taskId, inputResponses }: { readonly taskId: string; readonly inputResponses: JsonObject },
  options: TaskOptions,
): Promise<ExchangeOutcome> {
  options.onTask(taskId);
  const updated = await askFor(inquiry, 'tasks/update', { taskId, inputResponses }, options);
  if (updated.kind === 'error') return updated;
  return await followTask(inquiry, { taskId, pollIntervalMs: pollMsMin }, options);
}

interface SeenTask {
  readonly taskId: string;
  readonly state: JsonObject;
}

/** The outcome of a task that is over or needs the caller; undefined while it works. */
async function readTask(
  inquiry: Inquiry,
  { taskId, state }: SeenTask,
  options: TaskOptions,
): Promise<ExchangeOutcome | undefined> {
  const { server, method } = options;
  const { status } = state;
  if (status === 'working') return undefined;
  if (status === 'input_required') return await readInput(inquiry, { taskId, state }, options);
  if (status === 'completed') return readCompleted(state['result'], method, server);
  if (status === 'cancelled') return cancelled;
  const error = status === 'failed' ? readRpcError(state['error']) : undefined;
  if (error === undefined) throw unreadable(server);
  return { kind: 'error', error };
}

const cancelled: ExchangeOutcome = {
  kind: 'error',
  error: { code: -32_603, message: 'the server cancelled its task' },
};

async function readInput(
  inquiry: Inquiry,
  { taskId, state }: SeenTask,
  options: TaskOptions,
): Promise<ExchangeOutcome | undefined> {
  const { server, rootsResult, park } = options;
  const all = readInputRequests(state['inputRequests'], server);
  const { requests, rootsKeys } =
    rootsResult === undefined ? { requests: all, rootsKeys: [] } : splitRoots(all);
  if (rootsResult !== undefined && rootsKeys.length > 0) {
    const inputResponses = Object.fromEntries(rootsKeys.map((key) => [key, rootsResult]));
    const answer = await askFor(inquiry, 'tasks/update', { taskId, inputResponses }, options);
    if (answer.kind === 'error') return answer;
  }
  if (Object.keys(requests).length === 0) return undefined;
  const requestState = park(taskId);
  if (requestState !== undefined) {
    return { kind: 'input-required', inputRequests: requests, requestState };
  }
  throw failed('overloaded', server, 'too many requests wait for input', {
    facts: { sent: 'true' },
  });
}

function readCompleted(
  result: Json | undefined,
  method: RelayedMethod,
  server: string,
): ExchangeOutcome {
  if (!isJsonObject(result)) throw unreadable(server);
  const outcome = readOutcome({ kind: 'result', result }, method, server);
  if (outcome.kind !== 'complete') throw unreadable(server);
  return outcome;
}

async function askFor(
  inquiry: Inquiry,
  method: string,
  params: JsonObject,
  { meta }: TaskOptions,
): Promise<RpcAnswer> {
  return await inquiry.ask({ method, params, meta, wantsProgress: false, headers: {} });
}

/** Tells the server that nobody waits for its task any more. */
export function cancelTask(wire: Wire, taskId: string, meta: JsonObject): void {
  const request = { method: 'tasks/cancel', params: { taskId }, meta, headers: {} };
  wire.send({ ...request, wantsProgress: false }, nobody);
}

const nobody: RequestListener = {
  onAnswer: () => {},
  onFailure: () => {},
  onNotification: () => {},
  onRequest: () => {},
};

function readPollMs({ pollIntervalMs }: JsonObject): number {
  const pollMs = typeof pollIntervalMs === 'number' ? pollIntervalMs : pollMsDefault;
  return Math.min(Math.max(pollMs, pollMsMin), pollMsMax);
}

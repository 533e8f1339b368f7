import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { RpcError } from '../relay.ts';

/** The id of a JSON-RPC request. */
export type RpcId = string | number;

/** What came of a JSON-RPC request, as the peer says. */
export type RpcAnswer =
  | { readonly kind: 'result'; readonly result: JsonObject }
  | { readonly kind: 'error'; readonly error: RpcError };

/** Something that the peer asks. */
export interface RpcRequest {
  readonly type: 'request';
  readonly id: RpcId;
  readonly method: string;
  readonly params: JsonObject;
}

/** Something that the peer tells. */
export interface RpcNotification {
  readonly type: 'notification';
  readonly method: string;
  readonly params: JsonObject;
}

/** One message of a peer, checked as far as its envelope goes. */
export type RpcMessage =
  | RpcRequest
  | RpcNotification
  | {
      readonly type: 'answer';
      /** Undefined for an error about something that the peer could not read. */
      readonly id: RpcId | undefined;
      readonly answer: RpcAnswer;
    };

/** Levels of nesting that a message may have. */
const jsonDepthMax = 64;

/** The message in a parsed JSON value; undefined if it is none. Nothing is copied: unknown members stay. */
export function readRpcMessage(value: unknown): RpcMessage | undefined {
  if (!isJsonObject(value) || value['jsonrpc'] !== '2.0') return undefined;
  const { id, method, params = {} } = value;
  if (typeof method === 'string') {
    if (!isJsonObject(params)) return undefined;
    if (id === undefined) return { type: 'notification', method, params };
    return isRpcId(id) ? { type: 'request', id, method, params } : undefined;
  }
  const answer = readAnswer(value);
  if (answer === undefined) return undefined;
  if (isRpcId(id)) return { type: 'answer', id, answer };
  const isAboutNothing = answer.kind === 'error' && (id === null || id === undefined);
  return isAboutNothing ? { type: 'answer', id: undefined, answer } : undefined;
}

/** Whether the JSON value of a text of that length is nested beyond the bound. */
export function isNestedTooDeeply(value: unknown, textLength: number): boolean {
  // Each level takes two characters at least, so that small messages need no look.
  return textLength > 2 * jsonDepthMax && isDeeperThan(value, jsonDepthMax);
}

/** It never goes deeper itself. */
function isDeeperThan(value: unknown, depthMax: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depthMax === 0) return true;
  for (const item of Object.values(value)) if (isDeeperThan(item, depthMax - 1)) return true;
  return false;
}

function readAnswer({ result, error }: JsonObject): RpcAnswer | undefined {
  if (isJsonObject(result)) return { kind: 'result', result };
  const read = readRpcError(error);
  return read === undefined ? undefined : { kind: 'error', error: read };
}

/** The error in a JSON value. Data that is no object is left out. */
export function readRpcError(error: unknown): RpcError | undefined {
  if (!isJsonObject(error)) return undefined;
  const { code, message, data } = error;
  if (typeof code !== 'number' || typeof message !== 'string') return undefined;
  return { code, message, ...(isJsonObject(data) ? { data } : {}) };
}

/** Whether a value can be the id of a request. */
export function isRpcId(id: unknown): id is RpcId {
  return typeof id === 'string' || typeof id === 'number';
}

import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject, Json } from '@modelhost/kernel';
import type { RpcError } from '../../relay.ts';

/** Id of a JSON-RPC request. `1` and `"1"` are two ids. */
export type RpcId = string | number;

/** A JSON-RPC message of MCP, told apart. `params` and `result` keep every member. */
export type RpcMessage =
  | {
      readonly kind: 'request';
      readonly id: RpcId;
      readonly method: string;
      readonly params: JsonObject;
    }
  | { readonly kind: 'notification'; readonly method: string; readonly params: JsonObject }
  | { readonly kind: 'response'; readonly id: RpcId; readonly result: JsonObject }
  | { readonly kind: 'failure'; readonly id: RpcId; readonly error: RpcError };

const idLengthMax = 256;

/** Reads the frame of a message; undefined for what is not JSON-RPC 2.0 as MCP narrows it (no null ids, params by name). */
export function readRpcMessage(message: JsonObject): RpcMessage | undefined {
  if (message['jsonrpc'] !== '2.0') return undefined;
  const { id, method, params, result, error } = message;
  if (method === undefined) return readAnswer(id, result, error);
  if (typeof method !== 'string' || method === '') return undefined;
  if (result !== undefined || error !== undefined) return undefined;
  if (params !== undefined && !isJsonObject(params)) return undefined;
  if (id === undefined) return { kind: 'notification', method, params: params ?? {} };
  if (!isRpcId(id)) return undefined;
  return { kind: 'request', id, method, params: params ?? {} };
}

function readAnswer(
  id: Json | undefined,
  result: Json | undefined,
  error: Json | undefined,
): RpcMessage | undefined {
  if (!isRpcId(id) || (result === undefined) === (error === undefined)) return undefined;
  if (result !== undefined)
    return isJsonObject(result) ? { kind: 'response', id, result } : undefined;
  if (!isJsonObject(error)) return undefined;
  const { code, message, data } = error;
  if (typeof code !== 'number' || typeof message !== 'string') return undefined;
  return {
    kind: 'failure',
    id,
    error: { code, message, ...(isJsonObject(data) ? { data } : {}) },
  };
}

/** Whether a value can be the id of a request; its length is bounded, since ids are kept. */
export function isRpcId(value: unknown): value is RpcId {
  return typeof value === 'string'
    ? value.length <= idLengthMax
    : typeof value === 'number' && Number.isSafeInteger(value);
}

/** The answer to a request. */
export function rpcResult(id: RpcId, result: JsonObject): JsonObject {
  return { jsonrpc: '2.0', id, result };
}

/** The answer to a request that failed; without an id when the request could not be read. */
export function rpcFailure(id: RpcId | undefined, error: RpcError): JsonObject {
  const { code, message, data } = error;
  return {
    jsonrpc: '2.0',
    ...(id === undefined ? {} : { id }),
    error: { code, message, ...(data === undefined ? {} : { data }) },
  };
}

/** A message that wants no answer. */
export function rpcNotification(method: string, params?: JsonObject): JsonObject {
  return { jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) };
}

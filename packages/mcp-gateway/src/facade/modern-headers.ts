import type { IncomingHttpHeaders } from 'node:http';
import type { Json, JsonObject } from '@modelhost/kernel';
import { isMarked, nameMembers, readHeaderValue, valueAt } from '../mirrored-headers.ts';
import type { RpcError } from '../relay.ts';
import type { ParamHeader } from './core-types.ts';
import { rpcCodes } from './rpc-errors.ts';

/** Why headers and body do not say the same; undefined when they do. */
export function versionMismatch(
  headers: IncomingHttpHeaders,
  version: string,
): RpcError | undefined {
  return textOf(headers, 'mcp-protocol-version') === version
    ? undefined
    : mismatch('MCP-Protocol-Version');
}

/** The same for `Mcp-Method` and `Mcp-Name`, on which intermediaries route and limit. */
export function routeMismatch(
  headers: IncomingHttpHeaders,
  method: string,
  params: JsonObject,
): RpcError | undefined {
  if (textOf(headers, 'mcp-method') !== method) return mismatch('Mcp-Method');
  const member = nameMembers.get(method);
  const name = member === undefined ? undefined : params[member];
  if (typeof name !== 'string') return undefined;
  const header = textOf(headers, 'mcp-name');
  // The usual case first: nothing is to be decoded.
  if (header === name && !isMarked(header)) return undefined;
  return header !== undefined && readHeaderValue(header) === name
    ? undefined
    : mismatch('Mcp-Name');
}

/** The same for arguments that the tool wants to see in a header. An absent argument has no header. */
export function paramMismatch(
  headers: IncomingHttpHeaders,
  declared: readonly ParamHeader[],
  values: Json | undefined,
): RpcError | undefined {
  for (const { header, path } of declared) {
    const value = valueAt(values, path);
    if (value === undefined || value === null || typeof value === 'object') continue;
    const given = textOf(headers, header);
    const text = given === undefined ? undefined : readHeaderValue(given);
    if (text === undefined || !isSame(text, value)) return mismatch(header);
  }
  return undefined;
}

function mismatch(header: string): RpcError {
  return {
    code: rpcCodes.headerMismatch,
    message: `The ${header} header is missing, malformed, or differs from the body`,
    data: { header },
  };
}

function textOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value.trim() : undefined;
}

function isSame(text: string, value: string | number | boolean): boolean {
  if (typeof value !== 'number') return text === String(value);
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) === value : text === String(value);
}

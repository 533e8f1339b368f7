import type { ServerResponse } from 'node:http';
import type { JsonObject } from '@modelhost/kernel';
import { rpcFailure } from './rpc-message.ts';

/** Code of refusals that HTTP itself has a status for. */
const refusedCode = -32_000;

/** Headers of an answer. */
export type AnswerHeaders = Readonly<Record<string, string>>;

/** Answers with JSON, unless something was answered already. Nothing is kept by caches. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: JsonObject,
  headers?: AnswerHeaders,
): void {
  if (response.headersSent || response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(text);
}

/** Answers without a body. */
export function sendEmpty(response: ServerResponse, status: number): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-length': 0, 'cache-control': 'no-store' });
  response.end();
}

/** Refuses a request, as a JSON-RPC error without an id, which MCP allows beside the status. */
export function sendRefusal(
  response: ServerResponse,
  status: number,
  message: string,
  options: { readonly headers?: AnswerHeaders; readonly code?: number } = {},
): void {
  const body = rpcFailure(undefined, { code: options.code ?? refusedCode, message });
  sendJson(response, status, body, options.headers);
}

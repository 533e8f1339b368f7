import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JsonObject } from '@modelhost/kernel';
import { sendRefusal } from './http-answers.ts';
import { acceptsJson, isJson } from './media-types.ts';
import { readBody } from './request-body.ts';
import { readRpcMessage } from './rpc-message.ts';
import type { RpcMessage } from './rpc-message.ts';
import { readStrictJson } from './strict-json.ts';
import type { StrictJsonBounds } from './strict-json.ts';

/** A message as it came, and told apart. Both are the same parsed object. */
export interface PostedMessage {
  readonly raw: JsonObject;
  readonly rpc: RpcMessage;
}

/** Reads the message of a POST; undefined when there is none to serve, and the response is then seen to. */
export async function readPostedMessage(
  request: IncomingMessage,
  response: ServerResponse,
  bounds: StrictJsonBounds,
): Promise<PostedMessage | undefined> {
  const { headers } = request;
  const refuse = (status: number, text: string, code?: number): undefined => {
    // What is left of a body that is too large is not read.
    const ending = status === 413 ? { headers: { connection: 'close' } } : {};
    sendRefusal(response, status, text, { ...ending, ...(code === undefined ? {} : { code }) });
  };
  if (!isJson(headers['content-type'])) return refuse(415, 'Content-Type must be application/json');
  // Nothing is ever unpacked, so nothing small becomes something big.
  if (headers['content-encoding'] !== undefined) {
    return refuse(415, 'Content-Encoding is not taken');
  }
  if (!acceptsJson(headers.accept)) return refuse(406, 'Accept must allow application/json');
  const body = await readBody(request, bounds.bytesMax);
  if (body.kind === 'broken') return undefined;
  if (body.kind === 'too-large')
    return refuse(413, `a message has at most ${bounds.bytesMax} bytes`);
  const json = readStrictJson(body.bytes, bounds);
  if (json.kind === 'refused') return refuse(400, json.reason, json.code);
  const rpc = readRpcMessage(json.message);
  if (rpc === undefined) return refuse(400, 'the body is no message of MCP', -32_600);
  return { rpc, raw: json.message };
}

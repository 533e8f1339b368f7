import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JsonObject } from '@modelhost/kernel';
import { sendRefusal } from './http-answers.ts';
import { readPostedJson } from './posted-json.ts';
import { readRpcMessage } from './rpc-message.ts';
import type { RpcMessage } from './rpc-message.ts';
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
  const refuse = (status: number, text: string, code?: number): void => {
    // What is left of a body that is too large is not read.
    const ending = status === 413 ? { headers: { connection: 'close' } } : {};
    sendRefusal(response, status, text, { ...ending, ...(code === undefined ? {} : { code }) });
  };
  const raw = await readPostedJson(request, bounds, refuse);
  if (raw === undefined) return undefined;
  const rpc = readRpcMessage(raw);
  if (rpc !== undefined) return { rpc, raw };
  refuse(400, 'the body is no message of MCP', -32_600);
  return undefined;
}

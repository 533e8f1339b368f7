import type { IncomingMessage } from 'node:http';
import type { JsonObject } from '@modelhost/kernel';
import { acceptsJson, isJson } from './media-types.ts';
import { readBody } from './request-body.ts';
import { readStrictJson } from './strict-json.ts';
import type { StrictJsonBounds } from './strict-json.ts';

/** Answers a request that is refused; `code` is the one of JSON-RPC, where there is one. */
export type RefusePost = (status: number, text: string, code?: number) => void;

/** Reads the JSON object of a POST; undefined when there is none, and the request is then refused or gone. */
export async function readPostedJson(
  request: IncomingMessage,
  bounds: StrictJsonBounds,
  refuse: RefusePost,
): Promise<JsonObject | undefined> {
  const { headers } = request;
  if (!isJson(headers['content-type'])) {
    refuse(415, 'Content-Type must be application/json');
    return undefined;
  }
  // Nothing is ever unpacked, so nothing small becomes something big.
  if (headers['content-encoding'] !== undefined) {
    refuse(415, 'Content-Encoding is not taken');
    return undefined;
  }
  if (!acceptsJson(headers.accept)) {
    refuse(406, 'Accept must allow application/json');
    return undefined;
  }
  const body = await readBody(request, bounds.bytesMax);
  if (body.kind === 'broken') return undefined;
  if (body.kind === 'too-large') {
    refuse(413, `a message has at most ${bounds.bytesMax} bytes`);
    return undefined;
  }
  const json = readStrictJson(body.bytes, bounds);
  if (json.kind === 'message') return json.message;
  refuse(400, json.reason, json.code);
  return undefined;
}

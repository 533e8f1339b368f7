import type { ServerResponse } from 'node:http';
import type { JsonObject } from '@modelhost/kernel';
import { acceptsEvents } from './http/media-types.ts';
import { rpcNotification } from './http/rpc-message.ts';

/** The response to one request that may take a while. */
export interface ModernResponse {
  /** Aborted when the client closes the response before its end. */
  readonly signal: AbortSignal;
  /** Tells the client something on the way; dropped when it reads too slowly, or after the end. */
  notify(method: string, params: JsonObject): void;
  /** The answer, as JSON; nothing comes after it. */
  end(text: string, status: number): void;
}

/** Bytes that may wait for a slow reader before what is told on the way is dropped. */
const unreadBytesMax = 262_144;

const streamHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
};

/**
 * Stays undecided between JSON and a stream until there is something to tell. To a client whose `Accept` does not allow
 * a stream nothing is told on the way.
 */
export function createModernResponse(
  response: ServerResponse,
  accept: string | undefined,
): ModernResponse {
  const closing = new AbortController();
  let isEnded = false;

  response.once('close', () => {
    if (isEnded) return;
    isEnded = true;
    closing.abort();
  });

  return {
    signal: closing.signal,
    notify(method, params) {
      if (isEnded || response.destroyed || response.writableLength > unreadBytesMax) return;
      if (!response.headersSent && !acceptsEvents(accept)) return;
      openStream(response);
      response.write(toEvent(JSON.stringify(rpcNotification(method, params))));
    },
    end(text, status) {
      if (isEnded) return;
      isEnded = true;
      if (response.destroyed) return;
      if (response.headersSent) response.end(toEvent(text));
      else sendText(response, status, text);
    },
  };
}

/** Answers with JSON. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  if (response.destroyed) return;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}

/** Makes the response a stream of events, if it is none yet. */
export function openStream(response: ServerResponse): void {
  if (!response.headersSent) response.writeHead(200, streamHeaders);
}

/** A JSON text as an event. */
export function toEvent(text: string): string {
  return `event: message\ndata: ${text}\n\n`;
}

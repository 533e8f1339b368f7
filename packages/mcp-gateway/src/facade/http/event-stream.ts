import type { ServerResponse } from 'node:http';
import type { JsonObject } from '@modelhost/kernel';
import { createEventLog } from './event-log.ts';
import type { EventLogBounds } from './event-log.ts';

/** Bounds of one stream. */
export interface EventStreamBounds extends EventLogBounds {
  /** Bytes that may wait for a slow reader before the response is cut; the stream can then be taken up again. */
  readonly bytesUnreadMax: number;
  /** After which time a client should come back to a broken stream. */
  readonly retryMs: number;
}

/** What a stream needs. */
export interface EventStreamOptions {
  /** Unique in its session; part of the ids of its events. */
  readonly id: string;
  readonly bounds: EventStreamBounds;
  readonly now: () => number;
  /** Headers of each response, such as the session's id. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the client understands an event without data; those before 2025-11-25 take it for broken JSON. */
  readonly isPrimed: boolean;
}

/** Server-sent events that outlive the response they are written to. */
export interface EventStream {
  readonly id: string;
  /** Numbers the message, keeps it, and writes it when there is a response. */
  send(message: JsonObject): void;
  /**
   * Writes to this response from now on, first what comes after `lastEvent`, or what was never written. The response
   * before ends.
   */
  attach(response: ServerResponse, lastEvent?: number): void;
  /** Keeps the connection alive through proxies. */
  ping(): void;
  /** Ends the response and keeps the stream: the client comes back. */
  detach(): void;
  /** Nothing more will come. */
  end(): void;
  isEnded(): boolean;
  /** Since when it has a response, or has none. */
  since(): { readonly isAttached: boolean; readonly atMs: number };
  bytesKept(): number;
}

const keepAlive = ': keep-alive\n\n';

/** Makes a stream without a response. */
export function createEventStream(options: EventStreamOptions): EventStream {
  const { id, bounds, now } = options;
  const log = createEventLog(bounds);
  let lastWritten = 0;
  let response: ServerResponse | undefined;
  let changedAtMs = now();
  let isEnded = false;

  function write(text: string): boolean {
    if (response === undefined || response.destroyed) return false;
    // A reader that takes nothing must not make us keep everything.
    if (response.writableLength > bounds.bytesUnreadMax) {
      const stalled = response;
      release(stalled);
      stalled.destroy();
      return false;
    }
    response.write(text);
    return true;
  }

  function release(gone: ServerResponse): void {
    if (response !== gone) return;
    response = undefined;
    changedAtMs = now();
  }

  function endResponse(): void {
    const last = response;
    if (last === undefined) return;
    release(last);
    last.end();
  }

  function attach(next: ServerResponse, after = lastWritten): void {
    endResponse();
    response = next;
    changedAtMs = now();
    next.once('close', () => release(next));
    next.writeHead(200, { ...eventHeaders, ...options.headers });
    write(primerOf(options, after));
    const lost = log.lostAfter(after);
    if (lost > 0) write(`: ${lost} events are no longer kept\n\n`);
    for (const { event, text } of log.after(after)) {
      if (write(text)) lastWritten = event;
    }
    if (isEnded) endResponse();
  }

  return {
    id,
    send: (message) => {
      if (isEnded) return;
      const text = log.add((event) => `id: ${id}:${event}\n${eventOf(message)}`);
      if (write(text)) lastWritten = log.last();
    },
    attach,
    ping: () => {
      write(keepAlive);
    },
    detach: endResponse,
    end: () => {
      if (isEnded) return;
      isEnded = true;
      changedAtMs = now();
      endResponse();
    },
    isEnded: () => isEnded,
    since: () => ({ isAttached: response !== undefined, atMs: changedAtMs }),
    bytesKept: log.bytes,
  };
}

const eventHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
};

/** Says when to come back, and to clients that understand it also from where. */
function primerOf({ id, bounds, isPrimed }: EventStreamOptions, event: number): string {
  const retry = `retry: ${bounds.retryMs}\n`;
  return isPrimed ? `id: ${id}:${event}\n${retry}data: \n\n` : `${retry}\n`;
}

function eventOf(message: JsonObject): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

/** Reads the id of an event: which stream, and how far. */
export function readEventId(
  text: string,
): { readonly stream: string; readonly event: number } | undefined {
  const match = /^([a-z0-9]{1,20}):(\d{1,15})$/.exec(text);
  return match === null ? undefined : { stream: match[1] ?? '', event: Number(match[2]) };
}

import type { ServerResponse } from 'node:http';
import type { EventStream, EventStreamBounds } from './event-stream.ts';
import { readEventId } from './event-stream.ts';
import type { RpcId } from './rpc-message.ts';

/** Bounds and times of the streams of one session. */
export interface SessionStreamsBounds {
  readonly stream: EventStreamBounds;
  /** Streams that ended, which a client may not have read to their end; the oldest is forgotten first. */
  readonly streamsKeptMax: number;
  /** How long a request goes on whose stream broke, before it counts as cancelled. */
  readonly resumeTimeoutMs: number;
  /** After which time the listening stream ends, so that its client comes back and says again who it is. */
  readonly listenMaxMs: number;
}

/** What the streams need. */
export interface SessionStreamsOptions {
  readonly bounds: SessionStreamsBounds;
  readonly now: () => number;
  readonly create: (name: string) => EventStream;
  readonly cancel: (requestId: RpcId) => void;
}

/** The streams of a session: the one that listens, and those of requests that a client may come back to. */
export interface SessionStreams {
  /** What belongs to no request. It is kept, within bounds, until somebody listens. */
  listening(): EventStream;
  isListening(): boolean;
  /** Ends the response that listens; its client may come back. */
  stopListening(): void;
  /** A stream for the answer to a request; those in flight are bounded by the requests in flight. */
  open(requestId: RpcId): EventStream;
  /** Gives the response to the stream that listens, or to the one that broke off at an event. False for an unknown event. */
  attach(response: ServerResponse, lastEventId: string | undefined): boolean;
  /** Pings what is open, cancels what nobody came back to, and forgets what is over. */
  sweep(): void;
  end(): void;
}

interface RequestStream {
  readonly requestId: RpcId;
  readonly stream: EventStream;
}

const listeningName = 'listen';

/** Makes the streams of one session, none of them open. */
export function createSessionStreams(options: SessionStreamsOptions): SessionStreams {
  const { bounds, now, create, cancel } = options;
  const streams = new Map<string, RequestStream>();
  let opened = 0;
  let listeningStream: EventStream | undefined;

  function listening(): EventStream {
    listeningStream ??= create(listeningName);
    return listeningStream;
  }

  function attach(response: ServerResponse, lastEventId: string | undefined): boolean {
    const last = lastEventId === undefined ? undefined : readEventId(lastEventId);
    if (lastEventId !== undefined && last === undefined) return false;
    const isListening = last === undefined || last.stream === listeningName;
    const stream = isListening ? listening() : streams.get(last.stream)?.stream;
    stream?.attach(response, last?.event);
    return stream !== undefined;
  }

  function sweep(): void {
    for (const { stream, requestId } of streams.values()) {
      stream.ping();
      const { isAttached, atMs } = stream.since();
      const isLeft = !isAttached && now() - atMs > bounds.resumeTimeoutMs;
      if (isLeft && !stream.isEnded()) cancel(requestId);
      else if (isLeft) streams.delete(stream.id);
    }
    listeningStream?.ping();
    const since = listeningStream?.since();
    if (since?.isAttached === true && now() - since.atMs > bounds.listenMaxMs) {
      listeningStream?.detach();
    }
  }

  return {
    listening,
    isListening: () => listeningStream?.since().isAttached === true,
    stopListening: () => listeningStream?.detach(),
    open: (requestId) => {
      makeRoom(streams, bounds);
      opened += 1;
      const stream = create(`r${opened}`);
      streams.set(stream.id, { requestId, stream });
      return stream;
    },
    attach,
    sweep,
    end: () => {
      listeningStream?.end();
      for (const { stream } of streams.values()) stream.end();
    },
  };
}

/** Of the streams that ended, the oldest go first. */
function makeRoom(streams: Map<string, RequestStream>, bounds: SessionStreamsBounds): void {
  let ended = 0;
  let bytes = 0;
  for (const { stream } of [...streams.values()].toReversed()) {
    if (!stream.isEnded()) continue;
    ended += 1;
    bytes += stream.bytesKept();
    const isTooMuch = ended > bounds.streamsKeptMax || bytes > bounds.stream.bytesKeptMax;
    if (isTooMuch) streams.delete(stream.id);
  }
}

import type { ServerResponse } from 'node:http';
import type { Clock, Principal } from '@modelhost/kernel';
import type { FacadeCore } from '../core-types.ts';
import { createEventStream } from './event-stream.ts';
import type { EventStream } from './event-stream.ts';
import { sendEmpty } from './http-answers.ts';
import type { AnswerHeaders } from './http-answers.ts';
import { createLegacySession } from './legacy-session.ts';
import type { LegacySessionBounds } from './legacy-session.ts';
import { createPostChannel } from './post-channel.ts';
import type { RpcId, RpcMessage } from './rpc-message.ts';
import { createSessionStreams } from './session-streams.ts';
import type { SessionStreamsBounds } from './session-streams.ts';

/** Bounds and times of one session over HTTP. */
export interface HttpSessionBounds extends SessionStreamsBounds {
  /** An answer that takes longer comes as a stream. */
  readonly streamAfterMs: number;
}

/** What a session needs. */
export interface HttpSessionOptions {
  readonly id: string;
  readonly core: FacadeCore;
  readonly principal: Principal;
  readonly clock: Clock;
  readonly bounds: HttpSessionBounds;
  readonly sessionBounds?: Partial<LegacySessionBounds>;
  /** For a session of one request, without `initialize`: nothing of it can be taken up again. */
  readonly agreed?: { readonly version: string };
}

/** A legacy session whose messages come and go over many HTTP requests. */
export interface HttpSession {
  readonly id: string;
  /** Takes a posted message and sees to the response. */
  post(message: RpcMessage, response: ServerResponse): void;
  /** Gives the response to the stream that listens, or to the one that broke off at an event. False for an unknown event. */
  listen(response: ServerResponse, lastEventId: string | undefined): boolean;
  /** Whether the handshake is done. */
  isOpen(): boolean;
  /** Whether a request or a listening client needs it. */
  isBusy(): boolean;
  /** Sees to its streams, from time to time. */
  sweep(): void;
  /** Ends the response that listens. */
  stopListening(): void;
  close(): void;
}

const primedSince = '2025-11-25';

/** Makes a session that waits for `initialize`. */
export function createHttpSession(options: HttpSessionOptions): HttpSession {
  const { id, core, principal, clock, bounds, agreed } = options;
  const streams = createSessionStreams({
    bounds,
    now: () => clock.now(),
    create: newStream,
    cancel: (requestId) => session.cancel(requestId),
  });
  const session = createLegacySession({
    core,
    principal,
    clock,
    send: (message) => streams.listening().send(message),
    ...(agreed === undefined ? {} : { agreed: { ...agreed, capabilities: {} } }),
    ...(options.sessionBounds === undefined ? {} : { bounds: options.sessionBounds }),
  });

  function headers(): AnswerHeaders {
    const isNamed = agreed === undefined && session.version() !== undefined;
    return isNamed ? { 'mcp-session-id': id } : {};
  }

  function newStream(name: string): EventStream {
    return createEventStream({
      id: name,
      bounds: bounds.stream,
      now: () => clock.now(),
      headers: headers(),
      isPrimed: agreed === undefined && (session.version() ?? '') >= primedSince,
    });
  }

  function openStream(requestId: RpcId, response: ServerResponse): EventStream {
    if (agreed === undefined) return streams.open(requestId);
    // Nobody can come back to the stream of a request without a session.
    response.once('close', () => session.cancel(requestId));
    return newStream('alone');
  }

  function post(message: RpcMessage, response: ServerResponse): void {
    if (message.kind !== 'request') {
      session.receive(message, { send: () => undefined, end: () => sendEmpty(response, 202) });
      return;
    }
    const channel = createPostChannel({
      response,
      clock,
      streamAfterMs: bounds.streamAfterMs,
      headers,
      openStream: () => openStream(message.id, response),
      onLost: () => session.cancel(message.id),
    });
    session.receive(message, channel);
  }

  return {
    id,
    post,
    listen: (response, lastEventId) => streams.attach(response, lastEventId),
    isOpen: () => session.version() !== undefined,
    isBusy: () => session.requestsInFlight() > 0 || streams.isListening(),
    sweep: () => streams.sweep(),
    stopListening: () => streams.stopListening(),
    close: () => {
      session.close();
      streams.end();
    },
  };
}

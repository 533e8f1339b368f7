import { Agent } from 'undici';
import type { FetchLike } from '@modelcontextprotocol/client';
import type { Clock } from '@modelhost/kernel';
import type { AddressPolicy, Resolve } from './address-guard.ts';
import { createGuardedConnector, resolveByDns } from './address-guard.ts';
import { createFetchLike } from './fetch-like.ts';
import { parseEvents } from './event-stream.ts';
import type { StreamEvent } from './event-stream.ts';
import { sendWithinOrigin } from './redirects.ts';

/** A request to the server itself, at exactly its configured URL: nothing in it can change where it goes. */
export interface OutboundRequest {
  readonly method: 'POST' | 'GET' | 'DELETE';
  /** A value with a line break or another control character is refused. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Aborting it closes the connection of this request, which is how 2026-07-28 cancels. */
  readonly signal: AbortSignal;
  /** Longest time of the request and its whole answer: `requestTimeoutMs` when absent, none when 0. */
  readonly timeoutMs?: number;
}

/** What came back. Whoever gets `events` reads them to the end or leaves the loop, which ends the request. */
export interface OutboundAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body:
    | { readonly type: 'text'; readonly text: string }
    | { readonly type: 'events'; readonly events: AsyncIterable<StreamEvent> };
}

/**
 * The way out to one server and to the authorization servers it names. Called as a function it is `fetch` for the SDK;
 * `request` is the same without web streams. Both throw `HostError`, with the fact `sent` once the request went out.
 */
export interface OutboundFetch extends FetchLike {
  request(request: OutboundRequest): Promise<OutboundAnswer>;
  /** Throws when the URL may not be reached, without asking it. */
  check(url: URL): Promise<void>;
  /** Ends every request and connection. */
  close(): Promise<void>;
}

/** Whom to reach, and within which bounds. */
export interface OutboundFetchOptions {
  /** Alias, for messages. */
  readonly server: string;
  /** As the operator configured it. An origin that is plainly loopback is allowed by that. */
  readonly baseUrl: string;
  /** Allows loopback, private and shared addresses everywhere; link-local ones are refused always. */
  readonly allowPrivateNetwork: boolean;
  /** Of a body after decompression, or of one event of a stream. */
  readonly messageBytesMax: number;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly clock: Pick<Clock, 'setTimer'>;
  /** Per origin; requests beyond it wait for a connection. 128 when absent. */
  readonly connectionsMax?: number;
  /** The system's resolver when absent. */
  readonly resolve?: Resolve;
}

const connectionsMaxDefault = 128;
const idleTimeoutMs = 30_000;
/** The server itself and what it names for authorization. */
const originsMax = 16;

/** Nothing is connected before the first request. */
export function createOutboundFetch(options: OutboundFetchOptions): OutboundFetch {
  const { server, messageBytesMax, requestTimeoutMs, clock } = options;
  const baseUrl = new URL(options.baseUrl);
  const policy: AddressPolicy = {
    server,
    baseUrl,
    allowPrivateNetwork: options.allowPrivateNetwork,
    resolve: options.resolve ?? resolveByDns,
  };
  const connector = createGuardedConnector(policy, options.connectTimeoutMs);
  const agent = new Agent({
    connect: connector.connect,
    connections: options.connectionsMax ?? connectionsMaxDefault,
    maxOrigins: originsMax,
    keepAliveTimeout: idleTimeoutMs,
    keepAliveMaxTimeout: idleTimeoutMs,
    pipelining: 1,
    // The total time is ours to keep; a stream may be silent for as long as its listener likes.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const wire = { agent, server, messageBytesMax, clock };

  async function request(outgoing: OutboundRequest): Promise<OutboundAnswer> {
    const { status, headers, body } = await sendWithinOrigin(wire, {
      ...outgoing,
      url: baseUrl,
      timeoutMs: outgoing.timeoutMs ?? requestTimeoutMs,
    });
    if (body.type === 'text') return { status, headers, body };
    const events = parseEvents(body.chunks, { server, messageBytesMax });
    return { status, headers, body: { type: 'events', events } };
  }

  return Object.assign(createFetchLike(wire, requestTimeoutMs), {
    request,
    check: (url: URL) => connector.check(url),
    close: () => agent.destroy(),
  });
}

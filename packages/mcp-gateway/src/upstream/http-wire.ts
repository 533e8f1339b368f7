import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { HostError } from '@modelhost/kernel';
import type { Clock, JsonObject } from '@modelhost/kernel';
import type { OutboundFetch } from '../outbound/outbound-fetch.ts';
import { failed } from './failures.ts';
import { requestOverHttp } from './http-request.ts';
import { toStandardHeaders } from './mcp-headers.ts';
import { readRpcMessage } from './rpc-message.ts';
import type { RpcAnswer, RpcId, RpcMessage } from './rpc-message.ts';
import { ownIdsFrom, ownTokenOf, toAnswerText, toRequestText } from './wire.ts';
import type {
  OutgoingRequest,
  OwnWire,
  RequestListener,
  SentRequest,
  StrayMessages,
} from './wire.ts';

/** What a wire over HTTP is made of. */
export interface HttpWireOptions extends Pick<StrayMessages, 'onStray'> {
  readonly server: string;
  readonly url: string;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: OutboundFetch;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
}

interface Waiting {
  readonly listener: RequestListener;
  readonly gone: AbortController;
}

const sessionEndTimeoutMs = 1_000;
const reconnection = {
  initialReconnectionDelay: 1_000,
  maxReconnectionDelay: 30_000,
  reconnectionDelayGrowFactor: 2,
  maxRetries: 8,
};

/** Each of our requests is a POST of its own, so that what comes on its stream belongs to it. The SDK keeps the session. */
export function createHttpWire(options: HttpWireOptions): OwnWire {
  const { server, fetch, clock } = options;
  const waiting = new Map<number, Waiting>();
  const transport = createTransport(options);
  let version = '';
  let isModern = false;
  let nextId = ownIdsFrom;

  function adopt(negotiated: { readonly version: string; readonly isModern: boolean }): void {
    ({ version, isModern } = negotiated);
    const { onmessage } = transport;
    transport.onmessage = (message) => {
      const read = readRpcMessage(message);
      if (read === undefined || !takeStray(read)) onmessage?.(message);
    };
  }

  function send(request: OutgoingRequest, listener: RequestListener): SentRequest {
    const id = nextId;
    nextId += 1;
    const gone = new AbortController();
    waiting.set(id, { listener, gone });
    void run(id, request, gone.signal);
    return { cancel: (reason) => cancel(id, reason) };
  }

  async function run(id: number, request: OutgoingRequest, signal: AbortSignal): Promise<void> {
    const { method, params } = request;
    const body = toRequestText(id, request);
    const headers = { ...headersFor(method, params), ...request.headers };
    const onMessage = (message: RpcMessage): void => takeOwn(id, message);
    try {
      const sent = { server, fetch, clock, id, body, headers, isModern, signal, onMessage };
      const answer = await requestOverHttp(sent);
      end(id)?.listener.onAnswer(answer);
    } catch (cause) {
      const failure = cause instanceof HostError ? cause : undefined;
      end(id)?.listener.onFailure(failure ?? closed(server));
    }
  }

  function end(id: number): Waiting | undefined {
    const ended = waiting.get(id);
    waiting.delete(id);
    return ended;
  }

  function cancel(id: number, reason: string): void {
    const cancelled = end(id);
    if (cancelled === undefined) return;
    // Closing the stream is how 2026-07-28 cancels; before it, a closed stream says nothing.
    if (!isModern) notify('notifications/cancelled', { requestId: id, reason });
    cancelled.gone.abort();
  }

  function takeOwn(id: number, message: RpcMessage): void {
    const listener = waiting.get(id)?.listener;
    if (message.type === 'notification') listener?.onNotification(message);
    else if (message.type === 'request' && !isModern) listener?.onRequest(message);
  }

  function takeStray(message: RpcMessage): boolean {
    if (message.type === 'answer') return false;
    const token = message.type === 'notification' ? ownTokenOf(message) : undefined;
    if (token === undefined || message.type === 'request') return options.onStray(message);
    waiting.get(token)?.listener.onNotification(message);
    return true;
  }

  function notify(method: string, params: JsonObject): void {
    void post(JSON.stringify({ jsonrpc: '2.0', method, params }), method, params);
  }

  function answer(id: RpcId, outcome: RpcAnswer): void {
    void post(toAnswerText(id, outcome), '', {});
  }

  /** A server that does not take it lets its own request time out, which tells whoever waits. */
  async function post(body: string, method: string, params: JsonObject): Promise<void> {
    const headers = {
      ...headersFor(method, params),
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    };
    const { signal } = new AbortController();
    try {
      await fetch.request({ method: 'POST', headers, body, signal });
    } catch {
      // As said above.
    }
  }

  function headersFor(method: string, params: JsonObject): Record<string, string> {
    if (isModern) return { ...options.headers, ...toStandardHeaders(version, method, params) };
    const { sessionId } = transport;
    const session = sessionId === undefined ? {} : { 'mcp-session-id': sessionId };
    return { ...options.headers, 'mcp-protocol-version': version, ...session };
  }

  async function close(): Promise<void> {
    const cut = [...waiting.values()];
    waiting.clear();
    for (const { listener, gone } of cut) {
      gone.abort();
      listener.onFailure(closed(server));
    }
    await endSession(transport, clock);
    await transport.close();
  }

  return { transport, adopt, send, notify, answer, failure: () => undefined, close };
}

function createTransport(options: HttpWireOptions): StreamableHTTPClientTransport {
  const { url, headers, fetch, clock, random } = options;
  return new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { ...headers } },
    fetch,
    reconnectionOptions: reconnection,
    // Half of the time to all of it, so that the clients of a server that was restarted do not come all at once.
    reconnectionScheduler: (reconnect, delayMs) =>
      clock.setTimer(delayMs * (0.5 + random() / 2), reconnect),
  });
}

/** Tells the server that its session is over, if it answers soon. */
async function endSession(transport: StreamableHTTPClientTransport, clock: Clock): Promise<void> {
  const tooLate = Promise.withResolvers<void>();
  const stopTimer = clock.setTimer(sessionEndTimeoutMs, tooLate.resolve);
  try {
    await Promise.race([transport.terminateSession(), tooLate.promise]);
  } catch {
    // A session that cannot be ended is the server's to expire.
  } finally {
    stopTimer();
  }
}

function closed(server: string): HostError {
  const facts = { sent: 'true' };
  return failed('mcp_connection_failed', server, 'its connection is closed', { facts });
}

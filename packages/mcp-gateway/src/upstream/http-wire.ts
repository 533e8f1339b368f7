import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { FetchLike } from '@modelcontextprotocol/client';
import { HostError } from '@modelhost/kernel';
import type { Clock, JsonObject } from '@modelhost/kernel';
import { failed, refusedByHttp } from './failures.ts';
import { createHttpSender } from './http-sender.ts';
import type { HttpSenderOptions } from './http-sender.ts';
import { createPending } from './pending.ts';
import { readRpcMessage } from './rpc-message.ts';
import type { RpcMessage } from './rpc-message.ts';
import { toAnswerText } from './wire.ts';
import type {
  OutgoingRequest,
  OwnWire,
  RequestListener,
  SentRequest,
  StrayMessages,
} from './wire.ts';

/** What a wire over HTTP is made of. */
export interface HttpWireOptions extends Omit<HttpSenderOptions, 'sessionId'>, StrayMessages {
  readonly url: string;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
}

interface PendingRequest {
  readonly listener: RequestListener;
  readonly gone: AbortController;
}

const sessionEndTimeoutMs = 1_000;
const reconnectionOptions = {
  initialReconnectionDelay: 1_000,
  maxReconnectionDelay: 30_000,
  reconnectionDelayGrowFactor: 2,
  maxRetries: 8,
};

/** Each of our requests is a POST of its own, so that what comes on its stream belongs to it. The SDK keeps the session. */
export function createHttpWire(options: HttpWireOptions): OwnWire {
  const { server, clock } = options;
  const pending = createPending<PendingRequest>();
  const transport = createTransport(options);
  const sender = createHttpSender({ ...options, sessionId: () => transport.sessionId });

  function adopt(negotiated: { readonly version: string; readonly isModern: boolean }): void {
    sender.adopt(negotiated);
    const toClient = transport.onmessage;
    const receive: typeof toClient = (message) => {
      const read = readRpcMessage(message);
      if (read === undefined || !takeStray(read)) toClient?.(message);
    };
    Object.assign(transport, { onmessage: receive });
  }

  function send(request: OutgoingRequest, listener: RequestListener): SentRequest {
    const gone = new AbortController();
    const id = pending.add({ listener, gone });
    void run(id, request, gone.signal);
    return { cancel: (reason) => cancel(id, reason) };
  }

  async function run(id: number, request: OutgoingRequest, signal: AbortSignal): Promise<void> {
    const onMessage = (message: RpcMessage): void => takeOwn(id, message);
    try {
      const answer = await sender.request(request, { id, signal, onMessage });
      pending.end(id)?.listener.onAnswer(answer);
    } catch (cause) {
      const failure = cause instanceof HostError ? cause : closed(server);
      pending.end(id)?.listener.onFailure(failure);
    }
  }

  function cancel(id: number, reason: string): void {
    const cancelled = pending.end(id);
    if (cancelled === undefined) return;
    // Closing the stream is how 2026-07-28 cancels; before it, a closed stream says nothing.
    if (!sender.isModern()) notify('notifications/cancelled', { requestId: id, reason });
    cancelled.gone.abort();
  }

  function takeOwn(id: number, message: RpcMessage): void {
    const listener = pending.get(id)?.listener;
    if (message.type === 'notification') listener?.onNotification(message);
    else if (message.type === 'request' && !sender.isModern()) listener?.onRequest(message);
  }

  function takeStray(message: RpcMessage): boolean {
    if (message.type === 'answer') return false;
    const isProgress = message.type === 'notification' && pending.takeProgress(message);
    return isProgress || options.onStray(message);
  }

  function notify(method: string, params: JsonObject): void {
    sender.post(JSON.stringify({ jsonrpc: '2.0', method, params }), method, params);
  }

  async function close(): Promise<void> {
    for (const { listener, gone } of pending.endAll()) {
      gone.abort();
      listener.onFailure(closed(server));
    }
    await endSession(transport, clock);
    await transport.close();
  }

  return {
    transport,
    adopt,
    send,
    notify,
    answer: (id, answer) => sender.post(toAnswerText(id, answer), '', {}),
    failure: () => undefined,
    close,
  };
}

function createTransport(options: HttpWireOptions): StreamableHTTPClientTransport {
  const { url, headers, clock, random } = options;
  return new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { ...headers } },
    fetch: watchListening(options),
    reconnectionOptions,
    // Half of the time to all of it, so that the clients of a server that was restarted do not come all at once.
    reconnectionScheduler: (reconnect, delayMs) =>
      clock.setTimer(delayMs * (0.5 + random() / 2), reconnect),
  });
}

/**
 * Notices when a stream that only listens cannot be taken up again since the session is gone, for which many servers say
 * 400. Before it was ever open, the same answer may just mean that the server has no such stream.
 */
function watchListening({ server, fetch, onEnd }: HttpWireOptions): FetchLike {
  let hasListened = false;
  return async (url, init) => {
    const response = await fetch(url, init);
    if (init?.method !== 'GET') return response;
    if (hasListened && (response.status === 404 || response.status === 400)) {
      onEnd(refusedByHttp(server, response.status, { facts: { session_lost: 'true' } }));
    }
    hasListened ||= response.ok;
    return response;
  };
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

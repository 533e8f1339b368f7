import { HostError } from '@modelhost/kernel';
import type { Clock, JsonObject } from '@modelhost/kernel';
import type { InputRequest, RpcError } from '../../relay.ts';
import { rpcNotification } from './rpc-message.ts';
import type { RpcMessage } from './rpc-message.ts';

/** What a client made of a request of ours. */
export type LiveAnswer =
  | { readonly kind: 'result'; readonly result: JsonObject }
  | { readonly kind: 'error'; readonly error: RpcError }
  /** No answer in time; the client was told to stop. */
  | { readonly kind: 'timeout' };

/** Requests from us to a client before 2026-07-28. */
export interface LiveRequests {
  /** Sends the request and waits. Rejects with the signal's reason, and tells the client that nobody waits any more. */
  ask(
    request: InputRequest,
    send: (message: JsonObject) => void,
    signal: AbortSignal,
  ): Promise<LiveAnswer>;
  /** Takes an answer; one that nobody waits for is dropped. */
  take(message: RpcMessage & { readonly kind: 'response' | 'failure' }): void;
}

interface Waiting {
  readonly settle: (answer: LiveAnswer) => void;
}

/** Ids count up within one session, so they mean nothing in another. At most `waitingMax` are open at a time. */
export function createLiveRequests(options: {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly waitingMax: number;
}): LiveRequests {
  const { clock, timeoutMs, waitingMax } = options;
  const waiting = new Map<string | number, Waiting>();
  let asked = 0;

  async function ask(
    request: InputRequest,
    send: (message: JsonObject) => void,
    signal: AbortSignal,
  ): Promise<LiveAnswer> {
    signal.throwIfAborted();
    if (waiting.size >= waitingMax) {
      throw new HostError('overloaded', `${waitingMax} requests already wait for the client`);
    }
    asked += 1;
    const id = `host-${asked}`;
    const { promise, resolve, reject } = Promise.withResolvers<LiveAnswer>();
    const giveUp = (reason: string): void => {
      send(rpcNotification('notifications/cancelled', { requestId: id, reason }));
    };
    const onAbort = (): void => {
      giveUp('the call was cancelled');
      reject(signal.reason);
    };
    const stopTimer = clock.setTimer(timeoutMs, () => {
      giveUp('no answer in time');
      resolve({ kind: 'timeout' });
    });
    signal.addEventListener('abort', onAbort, { once: true });
    waiting.set(id, { settle: resolve });
    try {
      send({ jsonrpc: '2.0', id, method: request.method, params: request.params });
      return await promise;
    } finally {
      stopTimer();
      signal.removeEventListener('abort', onAbort);
      waiting.delete(id);
    }
  }

  return {
    ask,
    take: (message) => {
      waiting
        .get(message.id)
        ?.settle(
          message.kind === 'response'
            ? { kind: 'result', result: message.result }
            : { kind: 'error', error: message.error },
        );
    },
  };
}

import type { Clock, JsonObject } from '@modelhost/kernel';
import { timedOut } from './failures.ts';
import type { RpcAnswer, RpcNotification } from './rpc-message.ts';
import type { Wire } from './wire.ts';

/** Asks the server something for the gateway itself, within a time limit. Rejects with an `mcp_*` error. */
export type Requester = (
  method: string,
  params: JsonObject,
  timeoutMs: number,
) => Promise<RpcAnswer>;

/** What a requester is made of. */
export interface RequesterOptions {
  readonly server: string;
  readonly wire: Wire;
  readonly clock: Clock;
  /** `_meta` of every request. */
  readonly meta: JsonObject;
  /** A notification on the stream of a request. */
  readonly onNotification: (notification: RpcNotification) => void;
}

/** Behind requests of the gateway itself there is nobody who could be asked anything. */
export function createRequester(options: RequesterOptions): Requester {
  const { server, wire, clock, meta, onNotification } = options;
  return async (method, params, timeoutMs) => {
    const outcome = Promise.withResolvers<RpcAnswer>();
    const request = { method, params, meta, wantsProgress: false, headers: {} };
    const sent = wire.send(request, {
      onAnswer: outcome.resolve,
      onFailure: outcome.reject,
      onNotification,
      onRequest: ({ id }) => wire.answer(id, { kind: 'error', error: nobodyThere }),
    });
    const stopTimer = clock.setTimer(timeoutMs, () => {
      outcome.reject(timedOut(server, timeoutMs));
      sent.cancel('timeout');
    });
    return await outcome.promise.finally(stopTimer);
  };
}

const nobodyThere = { code: -32_603, message: 'there is nobody to ask' };

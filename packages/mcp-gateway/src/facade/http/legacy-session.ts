import { HostError } from '@modelhost/kernel';
import type { Clock, JsonObject, Principal } from '@modelhost/kernel';
import type { RpcError } from '../../relay.ts';
import type { FacadeCore } from '../core-types.ts';
import { rpcCodes, toRpcError } from '../rpc-errors.ts';
import { createAgreement } from './legacy-agreement.ts';
import { answerByCore } from './legacy-call.ts';
import type { LegacyAnswer } from './legacy-watches.ts';
import { createLiveRequests } from './live-requests.ts';
import { isRpcId, rpcFailure, rpcResult } from './rpc-message.ts';
import type { RpcId, RpcMessage } from './rpc-message.ts';

/** Where the messages go that belong to one message of the client. */
export interface LegacyChannel {
  /** A notification or request of ours in between, or the answer, which comes last. */
  send(message: JsonObject): void;
  /** Nothing more will come; called once. A cancelled request ends without an answer. */
  end(): void;
}

/** Bounds of one session. */
export interface LegacySessionBounds {
  /** Beyond it requests are refused. */
  readonly requestsInFlightMax: number;
  /** Requests to the client that wait for it. */
  readonly liveRequestsMax: number;
  /** How long the client may think about one of them. */
  readonly inputTimeoutMs: number;
  /** How often one call may ask. */
  readonly inputRoundsMax: number;
  readonly subscriptionsMax: number;
}

/** What a session needs. */
export interface LegacySessionOptions {
  readonly core: FacadeCore;
  readonly principal: Principal;
  readonly clock: Clock;
  /** Where the messages go that belong to no message of the client. */
  readonly send: (message: JsonObject) => void;
  /** What a client agreed to elsewhere: the session then begins without `initialize`. */
  readonly agreed?: { readonly version: string; readonly capabilities: JsonObject };
  readonly bounds?: Partial<LegacySessionBounds>;
}

/** One client before 2026-07-28, over any transport. */
export interface LegacySession {
  /** Takes one message. Never throws; what comes of it goes to the channel. */
  receive(message: RpcMessage, channel: LegacyChannel): void;
  /** Cancels a request, as `notifications/cancelled` does. */
  cancel(id: RpcId): void;
  requestsInFlight(): number;
  /** The protocol that was agreed on; undefined before `initialize`. */
  version(): string | undefined;
  /** Cancels everything and ends every channel. */
  close(): void;
}

const defaultBounds: LegacySessionBounds = {
  requestsInFlightMax: 64,
  liveRequestsMax: 64,
  inputTimeoutMs: 300_000,
  inputRoundsMax: 16,
  subscriptionsMax: 256,
};

type Request = RpcMessage & { readonly kind: 'request' };

/** Serves a client with the handshake, live requests and notifications of the protocols up to 2025-11-25. */
export function createLegacySession(options: LegacySessionOptions): LegacySession {
  const { core, principal, clock, send, agreed } = options;
  const bounds = { ...defaultBounds, ...options.bounds };
  const { subscriptionsMax, inputRoundsMax } = bounds;
  const inFlight = new Map<RpcId, AbortController>();
  const agreement = createAgreement({ core, principal, send, agreed, subscriptionsMax });
  const live = createLiveRequests({
    clock,
    timeoutMs: bounds.inputTimeoutMs,
    waitingMax: bounds.liveRequestsMax,
  });

  async function serve({ id, method, params }: Request, channel: LegacyChannel): Promise<void> {
    const abort = new AbortController();
    const { signal } = abort;
    const tell = (message: JsonObject): void => channel.send(message);
    inFlight.set(id, abort);
    let answer: LegacyAnswer;
    try {
      const own = agreement.answer(method, params);
      const caller = agreement.caller();
      const logLevel = agreement.logLevel();
      const call = { method, params, caller, logLevel, live, send: tell, signal, inputRoundsMax };
      const asked = own ?? answerByCore(core, call);
      // What is known at once is answered at once.
      answer = asked instanceof Promise ? await asked : asked;
    } catch (thrown) {
      answer = { error: toRpcError(thrown) };
    }
    inFlight.delete(id);
    // Whoever cancelled waits for nothing.
    if (!signal.aborted) channel.send(toMessage(id, answer));
    channel.end();
  }

  function takeRequest(request: Request, channel: LegacyChannel): void {
    const refusal = refuseRequest(request.id, inFlight, bounds.requestsInFlightMax);
    if (refusal === undefined) {
      void serve(request, channel);
      return;
    }
    channel.send(rpcFailure(request.id, refusal));
    channel.end();
  }

  function cancel(id: RpcId): void {
    inFlight.get(id)?.abort(new HostError('cancelled', 'the client cancelled the request'));
  }

  function takeNotification(method: string, { requestId }: JsonObject): void {
    if (method === 'notifications/cancelled' && isRpcId(requestId)) cancel(requestId);
  }

  return {
    receive: (message, channel) => {
      if (message.kind === 'request') return takeRequest(message, channel);
      if (message.kind === 'notification') takeNotification(message.method, message.params);
      else live.take(message);
      channel.end();
    },
    cancel,
    requestsInFlight: () => inFlight.size,
    version: () => agreement.version(),
    close: () => {
      agreement.close();
      for (const id of inFlight.keys()) cancel(id);
    },
  };
}

function toMessage(id: RpcId, answer: LegacyAnswer): JsonObject {
  return answer.error === undefined ? rpcResult(id, answer.result) : rpcFailure(id, answer.error);
}

function refuseRequest(
  id: RpcId,
  inFlight: ReadonlyMap<RpcId, unknown>,
  inFlightMax: number,
): RpcError | undefined {
  if (inFlight.has(id)) {
    return { code: rpcCodes.invalidRequest, message: 'The id is in use by a request in flight' };
  }
  if (inFlight.size < inFlightMax) return undefined;
  return toRpcError(new HostError('overloaded', `${inFlightMax} requests are already in flight`));
}

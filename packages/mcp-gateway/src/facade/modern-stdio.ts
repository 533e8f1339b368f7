import type { JsonObject, Principal } from '@modelhost/kernel';
import { HostError } from '@modelhost/kernel';
import type { RpcError } from '../relay.ts';
import type { FacadeCaller, FacadeCore, FacadeIo } from './core-types.ts';
import { isRpcId, rpcNotification } from './http/rpc-message.ts';
import type { RpcId, RpcMessage } from './http/rpc-message.ts';
import { readEnvelope, toCaller, unsupportedVersion } from './modern-envelope.ts';
import type { ModernEnvelope } from './modern-envelope.ts';
import { openSubscription } from './modern-listen.ts';
import type { OpenSubscription } from './modern-listen.ts';
import { toAnswerText, toErrorText } from './modern-messages.ts';
import { rpcCodes, toRpcError } from './rpc-errors.ts';

type Request = RpcMessage & { readonly kind: 'request' };
type Notification = RpcMessage & { readonly kind: 'notification' };

/** Requests of 2026-07-28 over stdio. */
export interface ModernStdio {
  take(request: Request): void;
  /** Ends the request that the client cancels; false when it is none of these. */
  cancel(notification: Notification): boolean;
  requestsInFlight(): number;
  /** Ends subscriptions, each with its last message. */
  endSubscriptions(): void;
  /** Cancels everything; nothing is sent any more. */
  close(): void;
}

/** What they are served with. */
export interface ModernStdioOptions {
  readonly core: FacadeCore;
  readonly principal: Principal;
  /** Takes a message as JSON. */
  readonly send: (text: string) => void;
  readonly requestsInFlightMax: number;
  /** Called whenever a request has ended. */
  readonly onEnd: () => void;
}

/** Each request stands for itself; only its id, while it is in flight, is known. */
export function createModernStdio(options: ModernStdioOptions): ModernStdio {
  const { core, principal, send, requestsInFlightMax, onEnd } = options;
  const inFlight = new Map<RpcId, AbortController>();
  const subscriptions = new Map<RpcId, OpenSubscription>();

  function take(request: Request): void {
    const { id, params } = request;
    const envelope = readEnvelope(params);
    if ('error' in envelope) return send(toErrorText(id, envelope.error));
    const refusal = unsupportedVersion(envelope.version) ?? refuse(id);
    if (refusal !== undefined) return send(toErrorText(id, refusal));
    const caller = toCaller(envelope, principal);
    if (request.method === 'subscriptions/listen') listen(request, caller);
    else void serve(request, caller, envelope);
  }

  function refuse(id: RpcId): RpcError | undefined {
    if (inFlight.has(id) || subscriptions.has(id)) {
      return { code: rpcCodes.invalidRequest, message: 'The id is in use by a request in flight' };
    }
    if (inFlight.size < requestsInFlightMax) return undefined;
    const message = `${requestsInFlightMax} requests are already in flight`;
    return toRpcError(new HostError('overloaded', message));
  }

  async function serve(
    { id, method, params }: Request,
    caller: FacadeCaller,
    envelope: ModernEnvelope,
  ): Promise<void> {
    const controller = new AbortController();
    inFlight.set(id, controller);
    const { signal } = controller;
    const tell = (told: string, about: JsonObject): void => {
      if (inFlight.get(id) === controller) send(JSON.stringify(rpcNotification(told, about)));
    };
    const outcome = await core.handle({ method, params }, caller, ioFor(envelope, signal, tell));
    // Whoever cancelled waits for nothing.
    if (!signal.aborted) send(toAnswerText(id, outcome, core.serverInfo));
    inFlight.delete(id);
    onEnd();
  }

  function listen({ id, params }: Request, caller: FacadeCaller): void {
    const end = (): void => void subscriptions.delete(id);
    const opened = openSubscription(core, { id, params, caller }, { send, end });
    if (opened.isOpen()) subscriptions.set(id, opened);
  }

  function cancel({ method, params }: Notification): boolean {
    const { requestId } = params;
    if (method !== 'notifications/cancelled' || !isRpcId(requestId)) return false;
    const subscription = subscriptions.get(requestId);
    subscription?.close();
    subscriptions.delete(requestId);
    const controller = inFlight.get(requestId);
    controller?.abort();
    return subscription !== undefined || controller !== undefined;
  }

  return {
    take,
    cancel,
    requestsInFlight: () => inFlight.size,
    endSubscriptions() {
      for (const subscription of subscriptions.values()) subscription.finish();
    },
    close() {
      for (const subscription of subscriptions.values()) subscription.close();
      subscriptions.clear();
      for (const controller of inFlight.values()) controller.abort();
      inFlight.clear();
    },
  };
}

function ioFor(
  { meta, logLevel, progressToken }: ModernEnvelope,
  signal: AbortSignal,
  tell: (method: string, params: JsonObject) => void,
): FacadeIo {
  return {
    signal,
    meta,
    ...(progressToken === undefined
      ? {}
      : {
          onProgress: (params) => tell('notifications/progress', { ...params, progressToken }),
        }),
    ...(logLevel === undefined
      ? {}
      : { logLevel, onLog: (params) => tell('notifications/message', params) }),
  };
}

import type { HostError, JsonObject } from '@modelhost/kernel';
import { failed, readWireError, withFacts } from './failures.ts';
import type { ServerProcessOptions } from './process/server-process.ts';
import type { RpcAnswer, RpcId, RpcMessage, RpcNotification } from './rpc-message.ts';
import { createStdioTransport } from './stdio-transport.ts';
import { ownIdsFrom, ownTokenOf, toAnswerText, toRequestText } from './wire.ts';
import type {
  OutgoingRequest,
  OwnWire,
  RequestListener,
  SentRequest,
  StrayMessages,
} from './wire.ts';

/** What a wire over standard streams is made of. */
export interface StdioWireOptions extends ServerProcessOptions, StrayMessages {}

/** Our requests and those of the SDK share the two streams; the ids tell them apart. */
export function createStdioWire(options: StdioWireOptions): OwnWire {
  const { server } = options;
  const waiting = new Map<number, RequestListener>();
  let nextId = ownIdsFrom;
  const transport = createStdioTransport({ ...options, take, onEnd });

  function send(request: OutgoingRequest, listener: RequestListener): SentRequest {
    const id = nextId;
    nextId += 1;
    try {
      transport.write(toRequestText(id, request));
    } catch (cause) {
      const known = transport.failure();
      const reason = 'it does not take further requests';
      listener.onFailure(known ?? failed('mcp_connection_failed', server, reason, { cause }));
      return { cancel: () => {} };
    }
    waiting.set(id, listener);
    return { cancel: (reason) => cancel(id, reason) };
  }

  function cancel(id: number, reason: string): void {
    if (waiting.delete(id)) notify('notifications/cancelled', { requestId: id, reason });
  }

  function notify(method: string, params: JsonObject): void {
    tryWrite(JSON.stringify({ jsonrpc: '2.0', method, params }));
  }

  function answer(id: RpcId, outcome: RpcAnswer): void {
    tryWrite(toAnswerText(id, outcome));
  }

  function tryWrite(text: string): void {
    try {
      transport.write(text);
    } catch {
      // The end of the process tells whoever waits.
    }
  }

  function take(message: RpcMessage): boolean {
    switch (message.type) {
      case 'answer':
        return takeAnswer(message.id, message.answer);
      case 'notification':
        return takeNotification(message);
      case 'request':
        return options.onStray(message);
    }
  }

  /** A late answer has nobody who waits for it: it is ours all the same. */
  function takeAnswer(id: RpcId | undefined, outcome: RpcAnswer): boolean {
    if (typeof id !== 'number' || id < ownIdsFrom) return false;
    const listener = waiting.get(id);
    if (listener === undefined) return true;
    waiting.delete(id);
    const fault = outcome.kind === 'error' ? readWireError(server, outcome.error.code) : undefined;
    if (fault === undefined) listener.onAnswer(outcome);
    else listener.onFailure(asSent(fault));
    return true;
  }

  function takeNotification(notification: RpcNotification): boolean {
    const token = ownTokenOf(notification);
    if (token === undefined) return options.onStray(notification);
    waiting.get(token)?.onNotification(notification);
    return true;
  }

  function onEnd(failure: HostError | undefined): void {
    const cause = failure ?? failed('mcp_connection_failed', server, 'its connection is closed');
    const listeners = [...waiting.values()];
    waiting.clear();
    for (const listener of listeners) listener.onFailure(asSent(cause));
    options.onEnd(failure);
  }

  return {
    transport,
    adopt: () => {},
    send,
    notify,
    answer,
    failure: transport.failure,
    close: transport.close,
  };
}

function asSent(failure: HostError): HostError {
  return withFacts(failure, { sent: 'true' });
}

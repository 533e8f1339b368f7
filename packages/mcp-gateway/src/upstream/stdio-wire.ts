import type { HostError, JsonObject } from '@modelhost/kernel';
import { failed, readWireError, withFacts } from './failures.ts';
import { createPending } from './pending.ts';
import type { ServerProcessOptions } from './process/server-process.ts';
import type { RpcAnswer, RpcId, RpcMessage } from './rpc-message.ts';
import { createStdioTransport } from './stdio-transport.ts';
import { toAnswerText, toRequestText } from './wire.ts';
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
  const { server, onStray } = options;
  const pending = createPending<{ readonly listener: RequestListener }>();
  const transport = createStdioTransport({ ...options, take, onEnd });

  function send(request: OutgoingRequest, listener: RequestListener): SentRequest {
    const id = pending.add({ listener });
    try {
      transport.write(toRequestText(id, request));
    } catch (cause) {
      pending.end(id);
      const reason = 'it does not take further requests';
      const fault = failed('mcp_connection_failed', server, reason, { cause });
      listener.onFailure(transport.failure() ?? fault);
    }
    return { cancel: (reason) => cancel(id, reason) };
  }

  function cancel(id: number, reason: string): void {
    const wasWaiting = pending.end(id) !== undefined;
    if (wasWaiting) notify('notifications/cancelled', { requestId: id, reason });
  }

  function notify(method: string, params: JsonObject): void {
    tryWrite(JSON.stringify({ jsonrpc: '2.0', method, params }));
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
        return pending.takeProgress(message) || onStray(message);
      case 'request':
        return onStray(message);
    }
  }

  /** A late answer has nobody who waits for it: it is ours all the same. */
  function takeAnswer(id: RpcId | undefined, answer: RpcAnswer): boolean {
    if (!pending.isOwn(id)) return false;
    const fault = answer.kind === 'error' ? readWireError(server, answer.error.code) : undefined;
    const listener = pending.end(id)?.listener;
    if (fault === undefined) listener?.onAnswer(answer);
    else listener?.onFailure(withFacts(fault, { sent: 'true' }));
    return true;
  }

  function onEnd(failure: HostError | undefined): void {
    const cause = failure ?? failed('mcp_connection_failed', server, 'its connection is closed');
    for (const { listener } of pending.endAll()) {
      listener.onFailure(withFacts(cause, { sent: 'true' }));
    }
    options.onEnd(failure);
  }

  return {
    transport,
    adopt: () => {},
    send,
    notify,
    answer: (id, answer) => tryWrite(toAnswerText(id, answer)),
    failure: () => transport.failure(),
    close: () => transport.close(),
  };
}

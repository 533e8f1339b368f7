import type { ServerResponse } from 'node:http';
import type { Clock, JsonObject } from '@modelhost/kernel';
import type { FacadeCaller, FacadeCore } from './core-types.ts';
import type { RpcId } from './http/rpc-message.ts';
import { toAcknowledged, toChanged, toErrorText, toSubscriptionEnd } from './modern-messages.ts';
import { openStream, sendText, toEvent } from './modern-response.ts';

/** A request to be told of changes. */
export interface ListenRequest {
  readonly id: RpcId;
  readonly params: JsonObject;
  readonly caller: FacadeCaller;
}

/** Where the messages of a subscription go, as JSON texts. */
export interface ListenOutput {
  send(text: string): void;
  /** Nothing more comes: the last message was sent. */
  end(): void;
  /** Takes the error that is the only answer; where it is absent, that is sent as messages are. */
  fail?(text: string): void;
}

/** Bytes that may wait for a slow reader; then it is cut off, and has to ask again for what it missed. */
const unreadBytesMax = 1_048_576;
const keepAliveMs = 15_000;

/** Serves `subscriptions/listen` as a stream of events that stays open. */
export function listenOverHttp(
  core: FacadeCore,
  request: ListenRequest,
  response: ServerResponse,
): void {
  const write = (text: string): void => {
    if (response.destroyed || response.writableEnded) return;
    response.write(text);
    if (response.writableLength > unreadBytesMax) response.destroy();
  };
  const opened = openSubscription(core, request, {
    send(text) {
      openStream(response);
      write(toEvent(text));
    },
    end: () => response.end(),
    fail: (text) => sendText(response, 200, text),
  });
  const stopPings = keepAlive(core.clock, () => {
    // Before the first message it may still become an answer of another kind.
    if (response.headersSent) write(': keep-alive\n\n');
  });
  const close = (): void => {
    stopPings();
    opened.close();
  };
  if (response.destroyed) close();
  else response.once('close', close);
}

/** A subscription that is being served. */
export interface OpenSubscription {
  isOpen(): boolean;
  /** The client is gone. */
  close(): void;
  /** Ends it with its last message. */
  finish(): void;
}

/**
 * Opens a subscription, whatever it is sent over: first what of the filter is honoured, then changes, each under the id
 * of the request, and last a result, when it is finished, the façade closes, or nothing can ever come of it.
 */
export function openSubscription(
  core: FacadeCore,
  { id, params, caller }: ListenRequest,
  output: ListenOutput,
): OpenSubscription {
  let isOpen = true;
  let stop: (() => void) | undefined;

  function close(): void {
    isOpen = false;
    stop?.();
  }

  function finish(): void {
    if (!isOpen) return;
    close();
    output.send(toSubscriptionEnd(id, core.serverInfo));
    output.end();
  }

  stop = core.subscribe(caller, params, {
    onAccept(accepted) {
      output.send(JSON.stringify(toAcknowledged(id, accepted)));
      if (Object.keys(accepted).length === 0) finish();
    },
    onRefuse(error) {
      isOpen = false;
      const text = toErrorText(id, error);
      if (output.fail !== undefined) return output.fail(text);
      output.send(text);
      output.end();
    },
    onChange: (change) => output.send(JSON.stringify(toChanged(id, change))),
    onEnd: finish,
  });
  // It can have ended before there was a way to stop it.
  if (!isOpen) stop();
  return { isOpen: () => isOpen, close, finish };
}

function keepAlive(clock: Clock, ping: () => void): () => void {
  let stop = clock.setTimer(keepAliveMs, next);
  function next(): void {
    ping();
    stop = clock.setTimer(keepAliveMs, next);
  }
  return () => stop();
}

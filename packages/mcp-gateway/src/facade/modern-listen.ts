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
  });
  if (typeof opened === 'string') return sendText(response, 200, opened);
  const stopPings = keepAlive(core.clock, () => write(': keep-alive\n\n'));
  const close = (): void => {
    stopPings();
    opened.close();
  };
  if (opened.isEmpty) opened.finish();
  if (response.destroyed) close();
  else response.once('close', close);
}

/** A subscription that is being served. */
export interface OpenSubscription {
  /** Nothing of the filter is honoured, so that nothing will ever come of it. */
  readonly isEmpty: boolean;
  /** The client is gone. */
  close(): void;
  /** Ends it with its last message. */
  finish(): void;
}

/**
 * Opens a subscription, whatever it is sent over: first what of the filter is honoured, then changes, each under the id
 * of the request, and last a result, when it is finished or the façade closes. A text is the error to answer with.
 */
export function openSubscription(
  core: FacadeCore,
  { id, params, caller }: ListenRequest,
  output: ListenOutput,
): OpenSubscription | string {
  let isOpen = true;
  const end = (): void => {
    if (!isOpen) return;
    isOpen = false;
    output.send(toSubscriptionEnd(id, core.serverInfo));
    output.end();
  };
  const subscription = core.subscribe(caller, params, {
    onChange: (change) => output.send(JSON.stringify(toChanged(id, change))),
    onEnd: end,
  });
  if ('error' in subscription) return toErrorText(id, subscription.error);
  const { accepted } = subscription;
  output.send(JSON.stringify(toAcknowledged(id, accepted)));
  return {
    isEmpty: Object.keys(accepted).length === 0,
    close() {
      isOpen = false;
      subscription.close();
    },
    finish() {
      subscription.close();
      end();
    },
  };
}

function keepAlive(clock: Clock, ping: () => void): () => void {
  let stop = clock.setTimer(keepAliveMs, next);
  function next(): void {
    ping();
    stop = clock.setTimer(keepAliveMs, next);
  }
  return () => stop();
}

import { HostError } from '@modelhost/kernel';
import type { ModelEvent } from '@modelhost/kernel';

import { createBodyReader, createLingeringBody } from './answer-body.ts';
import type { BodyReader } from './answer-body.ts';
import type { AnswerReader } from './answer-reader.ts';
import type { ProviderBounds } from './bounds.ts';
import { createEventQueue } from './event-queue.ts';
import type { EventResult } from './event-queue.ts';
import type { ProviderErrors } from './provider-errors.ts';
import type { AnswerReceiver, Exchange } from './transport.ts';

/** What one streamed answer needs. */
export interface AnswerStreamOptions {
  readonly reader: AnswerReader;
  readonly bounds: ProviderBounds;
  readonly errors: ProviderErrors;
  readonly signal: AbortSignal;
  /** Sends the request; called once, at the first `next`. */
  send(receiver: AnswerReceiver): Exchange;
  /** Called once, when the answer has ended in any way. */
  onSettled(): void;
}

/**
 * Streams one answer. Starts at the first `next`; the end of the iteration, leaving it early, an error and the signal
 * all give up the connection. After a complete answer it may linger for a moment, so that it can be used again.
 */
export function openAnswerStream(options: AnswerStreamOptions): AsyncIterableIterator<ModelEvent> {
  const { reader, bounds, errors } = options;
  let exchange: Exchange | undefined;
  let body: BodyReader | undefined;
  let isReceived = false;

  const queue = createEventQueue({
    eventsMax: bounds.eventsQueuedMax,
    onFull: () => exchange?.pause(),
    onRoom: () => exchange?.resume(),
  });
  const lifetime = createLifetime({
    ...options,
    timeoutMs: bounds.totalTimeoutMs,
    onTimeout: (timeoutMs) => fail(errors.timeout('total', timeoutMs)),
    onCancel: (reason) => {
      queue.clear();
      fail(reason);
    },
  });

  function fail(error: unknown): void {
    if (!lifetime.settle()) return;
    exchange?.abort();
    queue.fail(error);
  }

  function complete(): void {
    if (!lifetime.settle()) return;
    queue.end();
    if (!isReceived && exchange !== undefined) body = linger(exchange, bounds.lingerTimeoutMs);
  }

  function emit(events: readonly ModelEvent[]): void {
    for (const event of events) {
      queue.push(event);
      if (event.type === 'done') complete();
    }
  }

  /** Runs what may throw on bad input; afterwards the consumer is woken once for the whole read. */
  function guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      fail(error instanceof HostError ? error : errors.invalid(describe(error), error));
    }
    queue.flush();
  }

  const receiver: AnswerReceiver = {
    onHead: (status, header) => {
      body = createBodyReader({ reader, bounds, errors, status, header, emit, fail });
    },
    onBytes: (bytes) => guard(() => body?.onBytes(bytes)),
    onEnd: () => {
      isReceived = true;
      guard(() => body?.onEnd());
    },
    onFailure: (error) => {
      isReceived = true;
      guard(() => (body === undefined ? fail(error) : body.onFailure(error)));
    },
  };

  return toIterator({
    start: () => {
      if (lifetime.start()) guard(() => (exchange = options.send(receiver)));
    },
    next: () => queue.next(),
    leave: () => {
      if (lifetime.settle()) exchange?.abort();
      queue.clear();
      queue.end();
    },
  });
}

/** Lets the connection end in order, so that it can be used again. */
function linger(exchange: Exchange, timeoutMs: number): BodyReader {
  const timer = setTimeout(() => exchange.abort(), timeoutMs);
  return createLingeringBody({
    stop: () => clearTimeout(timer),
    abort: () => exchange.abort(),
  });
}

interface Lifetime {
  /** False where the signal had aborted before. */
  start(): boolean;
  /** True for the first caller only: the one who decides how the call ends. */
  settle(): boolean;
}

/** A call ends once: by itself, by its timeout or by its signal. */
function createLifetime(options: {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly onTimeout: (timeoutMs: number) => void;
  readonly onCancel: (reason: unknown) => void;
  onSettled(): void;
}): Lifetime {
  const { signal, timeoutMs } = options;
  const cancel = (): void => options.onCancel(signal.reason);
  let timer: NodeJS.Timeout | undefined;
  let isSettled = false;
  return {
    start: () => {
      if (signal.aborted) cancel();
      if (isSettled) return false;
      signal.addEventListener('abort', cancel, { once: true });
      timer = setTimeout(options.onTimeout, timeoutMs, timeoutMs);
      return true;
    },
    settle: () => {
      if (isSettled) return false;
      isSettled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
      options.onSettled();
      return true;
    },
  };
}

/** An iterator that starts at its first step and can be used once, like that of a generator. */
function toIterator(source: {
  readonly start: () => void;
  readonly next: () => Promise<EventResult>;
  readonly leave: () => void;
}): AsyncIterableIterator<ModelEvent> {
  let isStarted = false;
  return {
    next: () => {
      if (!isStarted) {
        isStarted = true;
        source.start();
      }
      return source.next();
    },
    return: () => {
      isStarted = true;
      source.leave();
      return Promise.resolve({ value: undefined, done: true });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function describe(error: unknown): string {
  return error instanceof RangeError ? error.message : 'the answer cannot be read';
}

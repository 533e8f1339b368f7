import { Worker } from 'node:worker_threads';
import { HostError } from '@modelhost/kernel';
import { fixedBounds } from '../bounds.ts';
import { storageFault } from '../fault.ts';
import { fromThreadFault, pack, unpackAnswers } from './messages.ts';
import type { Call, Operations } from './messages.ts';

/** The way to a thread. */
export interface ThreadClient<Offered extends Operations> {
  /** In the order asked. Rejects with the thread's fault, `overloaded`, or `storage_unavailable` when the thread is gone. */
  readonly ask: <Name extends keyof Offered & string>(
    name: Name,
    argument: Parameters<Offered[Name]>[0],
    options?: AskOptions,
  ) => Promise<Awaited<ReturnType<Offered[Name]>>>;
  /** Calls without an answer. */
  waiting(): number;
  /** Refuses later calls, and ends the thread once everything is answered. */
  end(): Promise<void>;
}

/** What a call weighs and concerns. */
export interface AskOptions {
  /** About how much memory its argument takes, beside a little for each call. */
  readonly bytes?: number;
  readonly subject?: string;
}

/** How much may wait for a thread. */
export interface ThreadBounds {
  readonly callsMax: number;
  readonly bytesMax: number;
}

interface Waiting {
  readonly bytes: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (fault: HostError) => void;
}

/** What a call takes beside its argument. */
const bytesPerCall = 512;

/** When one may ask again: a few commits later. */
const retryAfterMs = 100;

/** Starts a thread, which keeps the process alive only while it is asked something. */
export function startThread<Offered extends Operations>(
  script: URL,
  bounds: ThreadBounds,
): ThreadClient<Offered> {
  const worker = startWorker(script);
  const waiting = new Map<number, Waiting>();
  let calls: Call[] = [];
  let sent = 0;
  let answered = 0;
  let waitingBytes = 0;
  let gone: HostError | undefined;
  let onIdle = (): void => {};

  function settle(number: number): Waiting | undefined {
    const one = waiting.get(number);
    waiting.delete(number);
    waitingBytes -= one?.bytes ?? 0;
    if (waiting.size > 0) return one;
    worker.unref();
    onIdle();
    return one;
  }

  function lose(cause: unknown): void {
    gone ??= storageFault(
      'thread_ended',
      'a thread of the storage ended; restart the host, and see its log for the cause',
      cause,
    );
    for (const number of waiting.keys()) settle(number)?.reject(gone);
  }

  worker.on('message', (message: ArrayBuffer) => {
    for (const answer of unpackAnswers(message)) {
      answered = answer.number;
      const one = settle(answer.number);
      if ('fault' in answer) one?.reject(fromThreadFault(answer.fault));
      else one?.resolve(answer.result);
    }
  });
  worker.on('error', lose);
  worker.on('exit', (code) => lose(new Error(`exit code ${code}`)));

  function send(): void {
    const message = pack(calls);
    calls = [];
    worker.postMessage(message, [message]);
  }

  async function ask(name: string, argument: unknown, options: AskOptions = {}): Promise<unknown> {
    if (gone !== undefined) throw gone;
    const bytes = bytesPerCall + (options.bytes ?? 0);
    if (waiting.size >= bounds.callsMax || waitingBytes + bytes > bounds.bytesMax) {
      throw new HostError('overloaded', 'too much waits for the storage; try again later', {
        retryAfterMs,
      });
    }
    sent += 1;
    const number = sent;
    // What is asked in the same turn goes in one message.
    if (calls.length === 0) queueMicrotask(send);
    calls.push({ number, name, argument, subject: options.subject, answered });
    if (waiting.size === 0) worker.ref();
    waitingBytes += bytes;
    return new Promise((resolve, reject) => waiting.set(number, { bytes, resolve, reject }));
  }

  return {
    // Names and types were checked at the call; what comes back is what the operation of that name gave.
    ask: ask as ThreadClient<Offered>['ask'],
    waiting: () => waiting.size,
    end: async () => {
      gone ??= storageFault('closed', 'the storage is closed');
      if (waiting.size > 0) await new Promise<void>((resolve) => (onIdle = resolve));
      await worker.terminate();
    },
  };
}

function startWorker(script: URL): Worker {
  const worker = new Worker(script, {
    // Neither flags nor variables of the process concern it.
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: fixedBounds.threadHeapMb },
  });
  worker.unref();
  return worker;
}

import type { HostError } from '@modelhost/kernel';
import { storageFault } from '../fault.ts';
import { fromThreadFault, pack, unpackAnswers } from './messages.ts';
import type { Call, Operations } from './messages.ts';
import { createWaitingCalls } from './waiting-calls.ts';
import type { ThreadBounds } from './waiting-calls.ts';
import { startWorker } from './worker.ts';

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
  /** What it changes: after a failed call, those of the same subject that were sent without knowing are refused too. */
  readonly subject?: string;
}

/** What a call takes beside its argument. */
const bytesPerCall = 512;

/** Starts a thread, which keeps the process alive only while it is asked something. `onDamage`: it found the database damaged. */
export function startThread<Offered extends Operations>(
  script: URL,
  bounds: ThreadBounds,
  onDamage: (fault: HostError) => void = () => {},
): ThreadClient<Offered> {
  const worker = startWorker(script);
  worker.unref();
  let onceIdle = (): void => {};
  const waiting = createWaitingCalls(bounds, () => {
    worker.unref();
    onceIdle();
  });
  let calls: Call[] = [];
  let sent = 0;
  let answered = 0;
  let gone: HostError | undefined;

  function lose(cause: unknown): void {
    gone ??= storageFault(
      'thread_ended',
      'a thread of the storage ended; restart the host, and see its log for the cause',
      cause,
    );
    waiting.rejectAll(gone);
  }

  worker.on('message', (message: ArrayBuffer) => {
    for (const answer of unpackAnswers(message)) {
      answered = answer.number;
      if ('fault' in answer) {
        const fault = fromThreadFault(answer.fault);
        if (answer.isDamage) onDamage(fault);
        waiting.reject(answer.number, fault);
      } else waiting.resolve(answer.number, answer.result);
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
    waiting.admit(bytes);
    if (waiting.size() === 0) worker.ref();
    sent += 1;
    // What is asked in one turn of the event loop goes in one message, and so into one commit.
    if (calls.length === 0) setImmediate(send);
    calls.push({ number: sent, name, argument, subject: options.subject, answered });
    return waiting.add(sent, bytes);
  }

  return {
    // Names and types were checked at the call; what comes back is what the operation of that name gave.
    ask: ask as ThreadClient<Offered>['ask'],
    waiting: waiting.size,
    end: async () => {
      gone ??= storageFault('closed', 'the storage is closed');
      if (waiting.size() > 0) await new Promise<void>((resolve) => (onceIdle = resolve));
      await worker.terminate();
    },
  };
}

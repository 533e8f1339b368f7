import { HostError } from '@modelhost/kernel';
import type { Clock, PendingSignal, SignalPayload, WaitOptions } from '@modelhost/kernel';

/** The signals of one run: what came before somebody waited, and who waits. */
export interface Mailbox {
  /** False when the name had its answer, or its wait is over. Throws `overloaded` past the bound. */
  deliver(name: string, payload: SignalPayload): boolean;
  /** The payload of a name; undefined after the timeout. */
  wait(name: string, options: WaitOptions): Promise<SignalPayload | undefined>;
  /** What is waited for, oldest first. */
  pending(): readonly PendingSignal[];
  isWaiting(): boolean;
  /** Rejects every wait with the reason and takes nothing more. */
  close(reason: unknown): void;
}

interface Wait {
  readonly pending: PendingSignal;
  readonly cancelTimer: () => void;
  readonly settle: (payload: SignalPayload | undefined) => void;
  readonly reject: (reason: unknown) => void;
}

/** `bufferedMax` bounds the signals that nobody waits for yet. */
export function createMailbox(options: {
  readonly clock: Clock;
  readonly bufferedMax: number;
}): Mailbox {
  const { clock, bufferedMax } = options;
  const buffered = new Map<string, SignalPayload>();
  /** Names that had their payload or their timeout; their number is bounded by the names of the run's waits. */
  const answered = new Set<string>();
  const waits = new Map<string, Wait>();
  let isClosed = false;

  function deliver(name: string, payload: SignalPayload): boolean {
    if (isClosed || answered.has(name) || buffered.has(name)) return false;
    const waiting = waits.get(name);
    if (waiting !== undefined) {
      waiting.settle(payload);
      return true;
    }
    if (buffered.size >= bufferedMax) {
      throw new HostError('overloaded', `${buffered.size} signals wait to be used`, {
        facts: { signals_buffered_max: String(bufferedMax) },
        retryAfterMs: 1_000,
      });
    }
    buffered.set(name, payload);
    return true;
  }

  async function wait(
    name: string,
    { timeoutMs, ...shown }: WaitOptions,
  ): Promise<SignalPayload | undefined> {
    const early = buffered.get(name);
    if (early !== undefined) {
      buffered.delete(name);
      answered.add(name);
      return early;
    }
    const { promise, resolve, reject } = Promise.withResolvers<SignalPayload | undefined>();
    function settle(payload: SignalPayload | undefined): void {
      cancelTimer();
      waits.delete(name);
      answered.add(name);
      resolve(payload);
    }
    const cancelTimer = clock.setTimer(timeoutMs, () => settle(undefined));
    const pending = { name, sinceMs: clock.now(), ...shown };
    waits.set(name, { pending, cancelTimer, settle, reject });
    return promise;
  }

  function close(reason: unknown): void {
    isClosed = true;
    for (const { cancelTimer, reject } of waits.values()) {
      cancelTimer();
      reject(reason);
    }
    waits.clear();
    buffered.clear();
  }

  return {
    deliver,
    wait,
    pending: () => Array.from(waits.values(), ({ pending }) => pending),
    isWaiting: () => waits.size > 0,
    close,
  };
}

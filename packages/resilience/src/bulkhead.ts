import { HostError } from '@modelhost/kernel';
import type { Clock } from '@modelhost/kernel';

/** Bounds how much is under way at a time, and how much waits for it. */
export interface Bulkhead {
  /** The way to leave, where there is room at once; undefined where one would have to wait, or be refused. */
  tryEnter(): (() => void) | undefined;
  /**
   * Resolves, in the order of asking, with the way to leave. Rejects with the signal's reason, or with `overloaded`
   * when the queue is full or no turn came within `timeoutMs`.
   */
  enter(wait: { readonly signal: AbortSignal; readonly timeoutMs: number }): Promise<() => void>;
  inFlight(): number;
  waiting(): number;
}

/** The bounds of a bulkhead. */
export interface BulkheadOptions {
  /** Whose turn it is about, for the message of an error. */
  readonly name: string;
  readonly inFlightMax: number;
  /** 0 for no queue: who finds no room is refused at once. */
  readonly queueMax: number;
  readonly setTimer: Clock['setTimer'];
}

/** First come, first served. Leaving twice is leaving once. */
export function createBulkhead(options: BulkheadOptions): Bulkhead {
  const { name, inFlightMax, queueMax, setTimer } = options;
  // In the order of insertion, and quick to take one out of the middle.
  const queue = new Set<() => void>();
  let inFlight = 0;

  function tryEnter(): (() => void) | undefined {
    // Where somebody waits there is no room: whoever leaves hands the place over.
    if (inFlight >= inFlightMax) return undefined;
    inFlight += 1;
    return createExit();
  }

  async function enter(wait: {
    readonly signal: AbortSignal;
    readonly timeoutMs: number;
  }): Promise<() => void> {
    wait.signal.throwIfAborted();
    const leave = tryEnter();
    if (leave !== undefined) return leave;
    if (queue.size >= queueMax) throw full();
    // The count stays as it is.
    await turn(wait.signal, wait.timeoutMs);
    return createExit();
  }

  async function turn(signal: AbortSignal, timeoutMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    queue.add(resolve);
    const onAbort = (): void => giveUp(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const cancelTimer = setTimer(timeoutMs, () => giveUp(late(timeoutMs)));
    try {
      await promise;
    } finally {
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
    }

    /** At once: a place that is handed to one who has gone would be lost. */
    function giveUp(reason: unknown): void {
      queue.delete(resolve);
      reject(reason);
    }
  }

  function createExit(): () => void {
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      const [next] = queue;
      if (next === undefined) {
        inFlight -= 1;
        return;
      }
      queue.delete(next);
      next();
    };
  }

  function full(): HostError {
    const message = `${name}: ${inFlight} calls are in flight and ${queue.size} wait`;
    return new HostError('overloaded', message);
  }

  function late(timeoutMs: number): HostError {
    const facts = { timeout_ms: String(timeoutMs) };
    return new HostError('overloaded', `${name}: no turn in ${timeoutMs} ms`, { facts });
  }

  return { tryEnter, enter, inFlight: () => inFlight, waiting: () => queue.size };
}

import { HostError } from '@modelhost/kernel';

/** Bounds of those who wait. */
export interface LineBounds {
  /** In one line. */
  readonly waitingMax: number;
  /** In all lines together. */
  readonly waitingInAllMax: number;
}

/** Lines of runs that wait for sessions, by name: in each one goes at a time, in the order in which they came. */
export interface Lines {
  /**
   * Resolves with the way out when it is this one's turn. Throws `overloaded` where too many wait; whoever aborts leaves the line and
   * rejects with the reason.
   */
  enter(name: string, signal: AbortSignal): Promise<() => void>;
  /** Whether somebody is in it, going or waiting. */
  isUsed(name: string): boolean;
}

interface Waiter {
  readonly go: () => void;
}

/** A line is there while somebody is in it. */
export function createLines({ waitingMax, waitingInAllMax }: LineBounds): Lines {
  const lines = new Map<string, Waiter[]>();
  let waitingInAll = 0;

  function leaveOnce(name: string): () => void {
    let isOut = false;
    return () => {
      if (isOut) return;
      isOut = true;
      const next = lines.get(name)?.shift();
      if (next === undefined) lines.delete(name);
      else next.go();
    };
  }

  async function wait(name: string, line: Waiter[], signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { go: resolve };
    const giveUp = (): void => {
      const place = line.indexOf(waiter);
      // Whoever is at its turn already goes on, and finds the signal aborted there.
      if (place < 0) return;
      line.splice(place, 1);
      reject(signal.reason);
    };
    line.push(waiter);
    waitingInAll += 1;
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await promise;
    } finally {
      waitingInAll -= 1;
      signal.removeEventListener('abort', giveUp);
    }
  }

  return {
    isUsed: (name) => lines.has(name),
    enter: async (name, signal) => {
      signal.throwIfAborted();
      const line = lines.get(name);
      if (line === undefined) {
        lines.set(name, []);
        return leaveOnce(name);
      }
      if (line.length >= waitingMax || waitingInAll >= waitingInAllMax) {
        throw new HostError('overloaded', `${line.length} runs wait for the session already`, {
          facts: { waiting_max: String(waitingMax) },
          retryAfterMs: 1_000,
        });
      }
      await wait(name, line, signal);
      return leaveOnce(name);
    },
  };
}

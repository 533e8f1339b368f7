import type { Clock } from '@modelhost/kernel';
import { createBackoff } from '@modelhost/resilience';

/** When a server that fails is tried again. */
export interface SupervisionTimes {
  /** Failures in a row after which nothing is tried for `openMs`. */
  readonly failuresMax: number;
  readonly openMs: number;
  /** Attempts by the gateway itself, one after the other, before it leaves it to those who need the server. */
  readonly attemptsMax: number;
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
  /** How old a catalogue may be before it is read again when somebody looks at it. */
  readonly listsAgeMsMax: number;
  /** Changes of lists that come within this time are read together. */
  readonly debounceMs: number;
}

/** What a gateway does when nothing else is said. */
export const defaultSupervisionTimes: SupervisionTimes = {
  failuresMax: 5,
  openMs: 10_000,
  attemptsMax: 8,
  firstRetryMs: 500,
  longestRetryMs: 60_000,
  listsAgeMsMax: 300_000,
  debounceMs: 50,
};

/** Attempts to connect again that nobody asked for: ever further apart, and only so many of them. */
export interface Retry {
  /** Plans the next one, unless it is planned, not wanted, or there were too many in a row. */
  plan(): void;
  stop(): void;
  /** The server works: it starts again from the shortest pause. */
  reset(): void;
}

/** What a retry is made of. */
export interface RetryOptions {
  readonly times: SupervisionTimes;
  readonly clock: Clock;
  readonly random: () => number;
  readonly isWanted: () => boolean;
  /** The shortest pause that makes sense now. */
  readonly pauseMsMin: () => number;
  readonly again: () => void;
}

/** Plans nothing by itself. */
export function createRetry({ times, clock, ...options }: RetryOptions): Retry {
  const { firstRetryMs: firstMs, longestRetryMs: longestMs, attemptsMax } = times;
  const backoff = createBackoff({ firstMs, longestMs, random: options.random });
  let cancelTimer: (() => void) | undefined;

  function plan(): void {
    if (cancelTimer !== undefined || !options.isWanted() || backoff.tries() >= attemptsMax) return;
    const pauseMs = Math.max(backoff.next(), options.pauseMsMin());
    cancelTimer = clock.setTimer(pauseMs, () => {
      cancelTimer = undefined;
      options.again();
    });
  }

  function stop(): void {
    cancelTimer?.();
    cancelTimer = undefined;
  }

  return { plan, stop, reset: () => backoff.reset() };
}

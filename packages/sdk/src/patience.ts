import { isPassing } from './error.ts';
import type { ModelHostError } from './error.ts';

/** What waiting for a host works with. */
export interface PatienceOptions {
  /** How long a host may be away before it is given up; 0 waits for none. */
  readonly timeoutMs: number;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  /** From 0 up to but without 1. */
  readonly random: () => number;
  /** Resolves earlier when the signal aborts. */
  readonly wait: (waitMs: number, signal: AbortSignal) => Promise<void>;
  /** Called once for each time that a host is away for longer than one attempt takes. */
  readonly onWaiting: ((error: ModelHostError) => void) | undefined;
  /** Aborts when the client is closed: then nothing is waited for. */
  readonly closing: AbortSignal;
}

/** How long one stream is asked for again after it broke. */
export interface Patience {
  /** A host has taken the call. */
  readonly reached: () => void;
  /** Something new came: what failed before does not count any more. */
  readonly advanced: () => void;
  /** Waits before the next attempt. Rejects with the error where another attempt makes no sense or the time is over. */
  readonly afterFailure: (error: ModelHostError, signal: AbortSignal | undefined) => Promise<void>;
}

/** Longer than a host needs to come back from a restart. */
export const awayTimeoutMsDefault = 300_000;
const firstWaitMs = 100;
/** The longest pause between two attempts; whoever connects again waits no longer than that either. */
export const longestWaitMs = 5_000;

/** Attempts go on by time, each after a longer pause; what a host says is an answer and ends them at once. */
export function createPatience(options: PatienceOptions): Patience {
  const { timeoutMs, now, random, wait, onWaiting, closing } = options;
  let awaySinceMs: number | undefined;
  let reachedAtMs: number | undefined;
  let failures = 0;

  function advanced(): void {
    awaySinceMs = undefined;
    failures = 0;
  }

  return {
    reached: () => {
      reachedAtMs = now();
    },
    advanced,
    afterFailure: async (error, signal) => {
      if (!isPassing(error) || closing.aborted) throw error;
      // A run may wait for days and tell nothing new, but a host that only takes calls and drops them is not back.
      if (reachedAtMs !== undefined && now() - reachedAtMs >= longestWaitMs) advanced();
      reachedAtMs = undefined;
      awaySinceMs ??= now();
      const leftMs = awaySinceMs + timeoutMs - now();
      if (leftMs <= 0) throw error;
      failures += 1;
      if (failures === 2) onWaiting?.(error);
      const fullMs = Math.min(firstWaitMs * 2 ** (failures - 1), longestWaitMs);
      // All clients of a host lose it at the same moment, and must not all come back at the same one.
      const waitMs = Math.min(fullMs * (0.5 + random() / 2), leftMs);
      await wait(waitMs, signal === undefined ? closing : AbortSignal.any([signal, closing]));
      signal?.throwIfAborted();
      if (closing.aborted) throw error;
    },
  };
}

import type { Clock } from '@modelhost/kernel';
import { turn } from './turn.ts';

/** Time that moves only when it is told to. */
export interface VirtualClock extends Clock {
  /** Moves time on, and calls back what becomes due, in order; between two callbacks everything else settles. */
  advance(delayMs: number): Promise<void>;
  /** Calls back until no timer is left, and says how many it called. Throws past `callbacksMax`: then something goes on for ever. */
  runAll(callbacksMax: number): Promise<number>;
  /** Timers that are set. */
  pending(): number;
}

interface Timer {
  readonly dueMs: number;
  readonly tie: number;
  readonly callback: () => void;
}

/**
 * Starts at `startMs`. `tieBreak` orders what is due at the same time, by one number for each timer when it is set;
 * without it the order is that of setting.
 */
export function createVirtualClock(
  options: { readonly startMs?: number; readonly tieBreak?: () => number } = {},
): VirtualClock {
  const { startMs = 1_750_000_000_000, tieBreak = () => 0 } = options;
  // In the order of setting, so that the first of equals is the earliest that was set.
  const timers: Timer[] = [];
  let nowMs = startMs;

  function setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: nowMs + Math.max(0, delayMs), tie: tieBreak(), callback };
    timers.push(timer);
    return () => {
      const index = timers.indexOf(timer);
      if (index >= 0) timers.splice(index, 1);
    };
  }

  function takeNext(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of timers) {
      if (next === undefined || isBefore(timer, next)) next = timer;
    }
    if (next === undefined || next.dueMs > untilMs) return undefined;
    timers.splice(timers.indexOf(next), 1);
    nowMs = next.dueMs;
    return next;
  }

  async function fire(untilMs: number, callbacksMax: number): Promise<number> {
    for (let fired = 0; fired <= callbacksMax; fired += 1) {
      await turn();
      const next = takeNext(untilMs);
      if (next === undefined) return fired;
      next.callback();
    }
    throw new Error(`more than ${callbacksMax} timers: something goes on for ever`);
  }

  return {
    now: () => nowMs,
    setTimer,
    advance: async (delayMs) => {
      const untilMs = nowMs + delayMs;
      await fire(untilMs, 100_000);
      nowMs = untilMs;
      await turn();
    },
    runAll: async (callbacksMax) => fire(Infinity, callbacksMax),
    pending: () => timers.length,
  };
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.dueMs === other.dueMs ? one.tie < other.tie : one.dueMs < other.dueMs;
}

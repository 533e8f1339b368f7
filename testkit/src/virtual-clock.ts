import type { Clock } from '@modelhost/kernel';
import { turn } from './turn.ts';

/** Time that moves only when it is told to. */
export interface VirtualClock extends Clock {
  /** Moves time on, and calls back what becomes due, in order; between two callbacks everything else settles. */
  advance(delayMs: number): Promise<void>;
  /** Calls back until no timer is left, and says how many it called. Throws past `callbacksMax`: then something goes on for ever. */
  runAll(callbacksMax: number): Promise<number>;
  /** A boundary between two macrotasks that the clock knows of: time does not move before whoever waits for it went on. */
  turn(): Promise<void>;
  /** Resolves once nobody goes on without time or input. */
  settle(): Promise<void>;
  /** Timers that are set. */
  pending(): number;
}

interface Timer {
  readonly dueMs: number;
  readonly tie: number;
  readonly callback: () => void;
}

/** Between two callbacks of the clock. */
const turnsMax = 100_000;

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
  let turning = 0;

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

  async function turnOver(): Promise<void> {
    turning += 1;
    await turn();
    turning -= 1;
  }

  async function settle(): Promise<void> {
    for (let turns = 0; turns <= turnsMax; turns += 1) {
      await turn();
      if (turning === 0) return;
    }
    throw new Error(`more than ${turnsMax} turns: something goes on for ever`);
  }

  async function fire(untilMs: number, callbacksMax: number): Promise<number> {
    for (let fired = 0; fired <= callbacksMax; fired += 1) {
      await settle();
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
      await settle();
    },
    runAll: async (callbacksMax) => fire(Infinity, callbacksMax),
    turn: turnOver,
    settle,
    pending: () => timers.length,
  };
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.dueMs === other.dueMs ? one.tie < other.tie : one.dueMs < other.dueMs;
}

import { loadavg } from 'node:os';

/** Times of several attempts in milliseconds, and how busy the machine was. */
export interface Attempts {
  readonly bestMs: number;
  /** For the report of the test. */
  readonly text: string;
}

/** Measures three times, one after the other: the best attempt is the one that other work on the machine disturbed least. */
export async function bestOfThree(
  measureMs: (attempt: number) => Promise<number>,
): Promise<Attempts> {
  const times = [await measureMs(0), await measureMs(1), await measureMs(2)];
  const bestMs = Math.min(...times);
  const load = loadavg()[0] ?? 0;
  const list = times.map((timeMs) => timeMs.toFixed(1)).join(', ');
  return { bestMs, text: `best ${bestMs.toFixed(1)} ms of ${list}; load ${load.toFixed(1)}` };
}

/** A bound with the slack that a machine of a build has: it is shared, and nobody knows with whom. */
export function withSlack(boundMs: number, ci: string | undefined): number {
  return ci === undefined ? boundMs : boundMs * 4;
}

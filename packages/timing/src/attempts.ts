import { loadavg } from 'node:os';

/** What several attempts took. */
export interface Attempts {
  /** The lowest figure: that of the attempt which other work on the machine disturbed least. */
  readonly best: number;
  /** All figures and how busy the machine was, for the report of the test. */
  readonly text: string;
}

/** Measures three times, one after the other; the figures are milliseconds unless another unit is named. */
export async function bestOfThree(
  measure: (attempt: number) => number | Promise<number>,
  unit = 'ms',
): Promise<Attempts> {
  return bestOf([await measure(0), await measure(1), await measure(2)], unit);
}

/** For a test that takes several figures in each of its own rounds. None at all is no success: the best is then Infinity. */
export function bestOf(figures: readonly number[], unit = 'ms'): Attempts {
  const best = Math.min(...figures);
  const load = loadavg()[0] ?? 0;
  const list = figures.map((figure) => figure.toFixed(2)).join(', ');
  return { best, text: `best ${best.toFixed(2)} ${unit} of ${list}; load ${load.toFixed(1)}` };
}

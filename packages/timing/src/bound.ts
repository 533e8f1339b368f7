import assert from 'node:assert/strict';
import { bestOfThree } from './attempts.ts';

/** What a test reports to: the context that node:test gives it. */
export interface Reporter {
  readonly diagnostic: (message: string) => void;
}

/** How much longer than its bound something may take on the machine of a build: it is shared, and nobody knows with whom. */
const slack = 4;

/** The bound as it stands, or four times that where the variable `CI` of the environment has a value. */
export function withSlack(boundMs: number, ci: string | undefined): number {
  return ci === undefined ? boundMs : boundMs * slack;
}

/** Fails when three attempts all reach the bound, and reports them either way. */
export async function assertWithin(
  reporter: Reporter,
  boundMs: number,
  measureMs: (attempt: number) => number | Promise<number>,
): Promise<void> {
  const { best, text } = await bestOfThree(measureMs);
  const report = `${text}; less than ${boundMs} ms`;
  reporter.diagnostic(report);
  assert.ok(best < boundMs, report);
}

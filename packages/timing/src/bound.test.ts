import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertWithin, withSlack } from './bound.ts';

/** Whether the figures pass, and what was reported. */
async function outcomeOf(boundMs: number, figures: readonly number[]): Promise<[boolean, string]> {
  let report = '';
  const reporter = { diagnostic: (message: string) => void (report += message) };
  const isPassed = await assertWithin(
    reporter,
    boundMs,
    (attempt) => figures[attempt] ?? Infinity,
  ).then(
    () => true,
    (error: unknown) => {
      assert.ok(error instanceof assert.AssertionError);
      assert.equal(error.message, report);
      return false;
    },
  );
  return [isPassed, report];
}

test('one attempt below the bound is enough, and the report says what it was measured against', async () => {
  const [isPassed, report] = await outcomeOf(50, [70, 90, 49]);
  assert.ok(isPassed);
  assert.match(report, /of 70\.00, 90\.00, 49\.00; load .*; less than 50 ms$/);
});

test('three attempts at the bound or above it are too many, and are reported too', async () => {
  const [isPassed, report] = await outcomeOf(50, [50, 51, 50]);
  assert.ok(!isPassed);
  assert.match(report, /of 50\.00, 51\.00, 50\.00/);
});

test('a bound has slack where a build runs, and is exact everywhere else', () => {
  assert.equal(withSlack(250, undefined), 250);
  assert.equal(withSlack(250, 'true'), 1_000);
});

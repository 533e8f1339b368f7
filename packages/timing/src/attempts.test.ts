import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestOf, bestOfThree } from './attempts.ts';

test('the best of three attempts is the lowest, and all are reported with the load', async () => {
  const { best, text } = await bestOfThree((attempt) => [7, 5.25, 6][attempt] ?? Infinity);
  assert.equal(best, 5.25);
  assert.match(text, /^best 5\.25 ms of 7\.00, 5\.25, 6\.00; load \d+\.\d$/);
});

test('attempts follow one another, so that none disturbs the next', async () => {
  let inFlight = 0;
  const seen: number[] = [];
  await bestOfThree(async (attempt) => {
    inFlight += 1;
    seen.push(attempt, inFlight);
    await Promise.resolve();
    inFlight -= 1;
    return 0;
  });
  assert.deepEqual(seen, [0, 1, 1, 1, 2, 1]);
});

test('an attempt that fails fails the measurement', async () => {
  const failing = bestOfThree((attempt) =>
    attempt === 2 ? Promise.reject(new Error('no')) : attempt,
  );
  await assert.rejects(failing, /no/);
});

test('figures of another unit are reported in it, and no figure at all is never good', () => {
  assert.match(bestOf([3, 2], 'us').text, /^best 2\.00 us of 3\.00, 2\.00; /);
  assert.equal(bestOf([]).best, Infinity);
});

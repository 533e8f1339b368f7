import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createBackoff } from './backoff.ts';

test('it doubles from the first to the longest, and starts again after a success', () => {
  const backoff = createBackoff({ firstMs: 100, longestMs: 700, random: () => 0.999_999 });
  const waits = Array.from({ length: 5 }, () => backoff.next());
  assert.deepEqual(waits, [100, 200, 400, 700, 700]);
  assert.equal(backoff.tries(), 5);
  backoff.reset();
  assert.deepEqual([backoff.tries(), backoff.next()], [0, 100]);
});

test('every wait is between half of its length and all of it, however many tries there were', () => {
  const bounds = fc.record({
    firstMs: fc.integer({ min: 1, max: 10_000 }),
    longestMs: fc.integer({ min: 10_000, max: 10_000_000 }),
  });
  fc.assert(
    fc.property(
      bounds,
      fc.nat(2_000),
      fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      (given, tries, chance) => {
        const backoff = createBackoff({ ...given, random: () => chance });
        for (let index = 0; index < tries; index += 1) backoff.next();
        const lengthMs = Math.min(given.firstMs * 2 ** Math.min(tries, 50), given.longestMs);
        const waitMs = backoff.next();
        assert.ok(waitMs >= lengthMs / 2 && waitMs <= lengthMs);
      },
    ),
    { numRuns: 50 },
  );
});

test('those who failed together do not come back together', () => {
  const waits = [0, 0.25, 0.5, 0.75].map((chance) =>
    createBackoff({ firstMs: 1_000, longestMs: 1_000, random: () => chance }).next(),
  );
  assert.deepEqual(waits, [500, 625, 750, 875]);
});

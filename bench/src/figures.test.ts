import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { median, percentile } from './figures.ts';

test('the median and the percentiles of known values', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(percentile([5, 4, 3, 2, 1], 0.99), 5);
  assert.ok(Number.isNaN(median([])) && Number.isNaN(percentile([], 0.5)));
});

test('no sum leaves the range of its values, and order does not matter', () => {
  const values = fc.array(fc.integer(), { minLength: 1 });
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (sample, share) => {
      for (const value of [median(sample), percentile(sample, share)]) {
        assert.ok(value >= Math.min(...sample) && value <= Math.max(...sample));
      }
      assert.equal(percentile(sample.toReversed(), share), percentile(sample, share));
    }),
  );
});

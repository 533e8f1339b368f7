import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { slopeOf } from './slope.ts';

const whole = fc.integer({ min: -1_000, max: 1_000 });

test('the slope of points on a line is that of the line, wherever they are', () => {
  const calls = fc.uniqueArray(fc.nat(100_000), { minLength: 2, maxLength: 40 });
  fc.assert(
    fc.property(whole, whole, calls, (slope, start, at) => {
      const found = slopeOf(at.map((count) => ({ calls: count, value: start + slope * count })));
      assert.ok(Math.abs(found - slope) < 1e-6);
    }),
  );
});

test('what goes up and down around one value has no slope, and neither has a single point', () => {
  const values = [1, 3, 3, 1];
  assert.equal(slopeOf(values.map((value, index) => ({ calls: index, value }))), 0);
  assert.equal(slopeOf([{ calls: 5, value: 7 }]), 0);
});

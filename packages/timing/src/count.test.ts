import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCount } from './count.ts';

test('a whole number is read, and whatever else is refused with its flag', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (value, least) => {
      const read = (): number => readCount('--runs', String(value), least);
      if (value >= least) assert.equal(read(), value);
      else assert.throws(read, /^Error: --runs: "\d+": write a whole number of at least \d+$/);
    }),
  );
  for (const text of ['', '1O', '1e3', '-1', '1.5', ' 1', '0x10', 'NaN']) {
    assert.throws(() => readCount('--runs', text, 0), /--runs: ".*": write a whole number/);
  }
});

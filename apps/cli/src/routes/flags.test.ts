import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readAssignment, readCount, readMicroUsd, readSequence } from './flags.ts';

test('dollars are read to the millionth, without rounding', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 999_999_999_999_999n }), (microUsd) => {
      const digits = microUsd.toString().padStart(7, '0');
      assert.equal(readMicroUsd(`${digits.slice(0, -6)}.${digits.slice(-6)}`), microUsd);
    }),
  );
  assert.equal(readMicroUsd('2'), 2_000_000n);
  assert.equal(readMicroUsd('0.5'), 500_000n);
});

test('dollars that would be rounded or guessed are refused', () => {
  for (const text of ['', '-1', '1e3', '.5', '1.', '0.0000001', '1,50', '$1', 'NaN', ' 1']) {
    assert.throws(() => readMicroUsd(text), /write dollars/);
  }
});

test('counts and sequences are whole numbers', () => {
  assert.equal(readCount('7'), 7);
  assert.equal(readSequence('0'), 0n);
  for (const text of ['0', '-1', '1.5', '1e3', '', '0x10']) assert.throws(() => readCount(text));
  for (const text of ['-1', '1.5', '', 'x']) assert.throws(() => readSequence(text));
});

test('an assignment needs a key, and its value may have anything in it', () => {
  assert.equal(readAssignment('a=b=c'), 'a=b=c');
  assert.equal(readAssignment('a='), 'a=');
  for (const text of ['', 'a', '=b']) assert.throws(() => readAssignment(text), /write key=value/);
});

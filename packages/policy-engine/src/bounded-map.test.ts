import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBoundedMap } from './bounded-map.ts';

test('a bounded map keeps what was used last, and makes the rest anew', () => {
  const map = createBoundedMap<{ readonly key: string }>(2);
  const made: string[] = [];
  const get = (key: string): void => {
    const value = map.getOrMake(key, () => {
      made.push(key);
      return { key };
    });
    assert.equal(value.key, key);
  };
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) get(key);
  assert.deepEqual(made, ['a', 'b', 'c', 'b']);
});

test('a value that could not be made is not kept', () => {
  const map = createBoundedMap<{ readonly made: boolean }>(1);
  const fail = (): never => {
    throw new RangeError('no');
  };
  assert.throws(() => map.getOrMake('a', fail), RangeError);
  assert.deepEqual(
    map.getOrMake('a', () => ({ made: true })),
    { made: true },
  );
});

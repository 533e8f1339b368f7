import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createOutside, createReplay } from './outside.ts';
import type { Random } from './random.ts';

const draw = (random: Random): readonly number[] => [random.next(), random.int(1, 6)];

test('what the outside does depends on seed and question, not on what was asked before', () => {
  fc.assert(
    fc.property(fc.nat(), fc.uniqueArray(fc.string(), { minLength: 2 }), (seed, keys) => {
      const one = createOutside(seed);
      const other = createOutside(seed);
      const forth = new Map(keys.map((key) => [key, one.take(key, draw)]));
      const back = new Map([...keys].reverse().map((key) => [key, other.take(key, draw)]));
      for (const key of keys) assert.deepEqual(back.get(key), forth.get(key));
    }),
  );
});

test('a replay repeats the recording and invents nothing', () => {
  const outside = createOutside(7);
  const told = outside.take('known', draw);
  const replay = createReplay(outside.recording());
  assert.deepEqual(
    replay.take('known', () => []),
    told,
  );
  assert.throws(() => replay.take('unknown', draw), /unknown/);
});

test('numbers stay within their bounds and reach both of them', () => {
  const random = { seen: new Set<number>() };
  createOutside(1).take('dice', (source) => {
    for (let roll = 0; roll < 1_000; roll += 1) random.seen.add(source.int(1, 6));
    return null;
  });
  assert.deepEqual(
    [...random.seen].sort((one, other) => one - other),
    [1, 2, 3, 4, 5, 6],
  );
});

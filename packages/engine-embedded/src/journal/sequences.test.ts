import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addSequence, listSequences } from './sequences.ts';

test('sequences come back in their order, and those in a row take one pair', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 60 })), (drawn) => {
      const sequences = drawn.toSorted((one, other) => one - other);
      const pairs: number[] = [];
      for (const sequence of sequences) addSequence(pairs, sequence);
      assert.deepEqual(listSequences(pairs), sequences);
      const rows = sequences.filter((sequence) => !sequences.includes(sequence - 1)).length;
      assert.equal(pairs.length, 2 * rows);
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mapInSlices } from './slices.ts';

const kibibyte = 1024;

test('everything is mapped in its order, and others have their turn before it is too much at once', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 400 * kibibyte }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(sizes, async (items) => {
      const slices: number[][] = [[]];
      const results = await mapInSlices(
        items,
        (size, index) => {
          slices.at(-1)?.push(size);
          return [index, size];
        },
        {
          sizeOf: (size) => size,
          turn: async () => void slices.push([]),
        },
      );
      assert.deepEqual(results, [...items.entries()]);
      for (const [index, slice] of slices.entries()) {
        const sum = slice.reduce((all, size) => all + size, 0);
        assert.ok(sum <= 256 * kibibyte || slice.length === 1);
        // No turn is taken for nothing: what is short stays as quick as it is.
        const next = slices[index + 1]?.[0];
        if (next !== undefined) assert.ok(sum + next > 256 * kibibyte);
      }
    }),
  );
});

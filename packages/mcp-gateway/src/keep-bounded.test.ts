import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { keepBounded } from './keep-bounded.ts';

test('of all that was put and not taken out, the latest are kept', () => {
  const entry = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    value: fc.option(fc.nat(), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(entry), fc.integer({ min: 1, max: 4 }), (entries, entriesMax) => {
      const map = new Map<string, number>();
      let latest: readonly (readonly [string, number])[] = [];
      for (const { key, value } of entries) {
        keepBounded(map, { key, value, entriesMax });
        const others = latest.filter(([other]) => other !== key);
        latest = (value === undefined ? others : [...others, [key, value] as const]).slice(
          -entriesMax,
        );
        assert.deepEqual([...map], latest);
      }
    }),
  );
});

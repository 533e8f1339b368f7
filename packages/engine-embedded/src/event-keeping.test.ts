import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createEventKeeping } from './event-keeping.ts';

test('what is kept stays within its bounds, but for the newest write alone', () => {
  const write = fc.record({ count: fc.integer({ min: 1, max: 30 }), bytes: fc.nat({ max: 900 }) });
  fc.assert(
    fc.property(fc.array(write, { maxLength: 60 }), (writes) => {
      const keeping = createEventKeeping({ eventsMax: 50, eventsBytesMax: 1_000 }, []);
      let kept: { lastSequence: number; count: number; bytes: number }[] = [];
      let lastSequence = 0;
      for (const { count, bytes } of writes) {
        lastSequence += count;
        kept.push({ lastSequence, count, bytes });
        const upTo = keeping.add({ lastSequence, count, bytes }) ?? 0;
        kept = kept.filter((one) => one.lastSequence > upTo);
        const sum = (of: 'count' | 'bytes'): number => kept.reduce((all, one) => all + one[of], 0);
        assert.equal(kept.at(-1)?.lastSequence, lastSequence);
        assert.ok(kept.length === 1 || (sum('count') <= 50 && sum('bytes') <= 1_000));
      }
    }),
  );
});

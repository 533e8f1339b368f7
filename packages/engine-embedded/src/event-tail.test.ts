import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RunEvent } from '@modelhost/kernel';
import { createEventTail } from './event-tail.ts';

test('the newest events are at hand by their sequence, within the bound', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 })), (counts) => {
      const tail = createEventTail({ eventsMax: 10, bytesMax: 1_000_000 });
      let last = 0;
      for (const count of counts) {
        const events = Array.from({ length: count }, (_, index) => eventOf(last + 1 + index));
        last += count;
        tail.push(events);
        for (let sequence = 1; sequence <= last + 1; sequence += 1) {
          const isAtHand = sequence <= last && sequence > last - 10;
          assert.equal(tail.read(sequence)?.sequence, isAtHand ? sequence : undefined);
        }
      }
      tail.clear();
      assert.equal(tail.read(last), undefined);
    }),
  );
});

test('one large event takes the place of all others', () => {
  const tail = createEventTail({ eventsMax: 10, bytesMax: 500 });
  tail.push([eventOf(1), eventOf(2, 'x'.repeat(1_000))]);
  assert.equal(tail.read(1), undefined);
  assert.equal(tail.read(2)?.sequence, 2);
});

function eventOf(sequence: number, text = ''): RunEvent {
  return { sequence, timeMs: 0, step: '', body: { type: 'text-delta', text } };
}

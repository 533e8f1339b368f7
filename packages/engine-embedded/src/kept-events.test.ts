import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toErrorData } from '@modelhost/kernel';
import type { RunEventBody } from '@modelhost/kernel';
import { eventSize } from './event-size.ts';
import { createKeptEvents } from './kept-events.ts';

const delta = (text: string): RunEventBody => ({ type: 'text-delta', text });

test('within every bound the newest events are kept, and what is older is said to be gone', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 500 }), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 5_000 }),
      (lengths, eventsMax, eventsBytesMax) => {
        const kept = createKeptEvents({ eventsMax, eventsBytesMax });
        for (const [index, length] of lengths.entries()) {
          kept.push({ timeMs: index, step: '', body: delta('x'.repeat(length)) });
          const readable = readableFrom(kept, index + 1);
          const bytes = readable.reduce((sum, at) => sum + sizeOf(lengths, at), 0);
          assert.equal(kept.bytes(), bytes);
          assert.ok(readable.length === 1 || bytes <= eventsBytesMax);
          assert.ok(readable.length <= eventsMax);
          // Nothing is dropped without need: with the next older event a bound would be broken.
          const older = (readable[0] ?? 1) - 1;
          const isFull =
            readable.length === eventsMax || bytes + sizeOf(lengths, older) > eventsBytesMax;
          assert.ok(older === 0 || isFull);
        }
        assert.equal(kept.lastSequence(), lengths.length);
        assert.equal(kept.read(lengths.length + 1), undefined);
      },
    ),
  );
});

test('the size of an event grows with its texts', () => {
  assert.ok(eventSize(delta('x'.repeat(1_000))) >= eventSize(delta('')) + 1_000);
});

function sizeOf(lengths: readonly number[], sequence: number): number {
  return eventSize(delta('x'.repeat(lengths[sequence - 1] ?? 0)));
}

/** Sequences that can be read, in order; every other one must be refused with the first of them. */
function readableFrom(kept: ReturnType<typeof createKeptEvents>, last: number): readonly number[] {
  const readable: number[] = [];
  for (let sequence = last; sequence >= 1; sequence -= 1) {
    try {
      assert.equal(kept.read(sequence)?.sequence, sequence);
      assert.ok(readable.length === last - sequence, 'a gap');
      readable.unshift(sequence);
    } catch (thrown) {
      const { code, facts } = toErrorData(thrown);
      assert.equal(code, 'events_expired');
      assert.equal(facts['first_sequence'], String(readable[0]));
    }
  }
  return readable;
}

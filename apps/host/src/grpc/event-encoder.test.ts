import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeByLibrary, encodeEvent } from './event-encoder.ts';

test('a text delta has the very bytes that protobuf-es gives it', () => {
  fc.assert(
    fc.property(
      fc.record({
        sequence: fc.maxSafeNat(),
        // From 1970 to the year 9999, which is where Timestamp ends.
        timeMs: fc.integer({ min: 0, max: 253_402_300_799_999 }),
        step: fc.oneof(fc.constant(''), fc.string({ unit: 'binary', maxLength: 200 })),
        text: fc.oneof(
          fc.string({ maxLength: 20 }),
          fc.string({ unit: 'binary', maxLength: 6_000 }),
        ),
      }),
      ({ text, ...place }) => {
        const event = { ...place, body: { type: 'text-delta', text } } as const;
        assert.deepEqual(encodeEvent(event), encodeByLibrary(event));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('lone surrogates become what UTF-8 makes of them, in both', () => {
  for (const text of ['\ud83d', 'a\udc00b', '\udc00\ud83d']) {
    const event = {
      sequence: 1,
      timeMs: 1,
      step: 's',
      body: { type: 'text-delta', text },
    } as const;
    assert.deepEqual(encodeEvent(event), encodeByLibrary(event));
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutFrame, cutText, joinTexts } from './pieces.ts';

const mebibyte = 1024 * 1024;

test('texts of any length and letters are the same again, and no piece is more than a store takes', () => {
  const frames = fc.array(
    fc.record({
      length: fc.oneof(fc.nat(99), fc.integer({ min: mebibyte - 9, max: 2 * mebibyte + 9 })),
      letter: fc.constantFrom('x', '+', '\u20ac', '\u{1f600}'),
    }),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(frames, (given) => {
      const texts = given.map(({ length, letter }) =>
        `{"${letter.repeat(length)}`.slice(0, length + 2).toWellFormed(),
      );
      const pieces = texts.flatMap((text) => cutFrame(text));
      for (const piece of pieces) {
        assert.ok(piece.isWellFormed());
        assert.ok(Buffer.byteLength(piece) <= 4 * mebibyte);
      }
      assert.ok(pieces.length <= given.length * 3);
      assert.deepEqual(joinTexts(pieces), texts);
      for (const text of texts) assert.equal(cutText(text).join(''), text);
    }),
    { numRuns: 20 },
  );
});

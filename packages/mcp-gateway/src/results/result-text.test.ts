import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { toToolAnswer } from './result-text.ts';

test('a result is cut at the cap, between characters, and only if it is longer', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.nat({ max: 80 }),
      (text, bytesMax) => {
        const wellFormed = text.toWellFormed();
        const answer = toToolAnswer({ content: [{ type: 'text', text }] }, bytesMax);
        assert.ok(Buffer.byteLength(answer.content) <= bytesMax);
        assert.ok(wellFormed.startsWith(answer.content));
        assert.equal(answer.isTruncated, answer.content !== wellFormed);
        // At most the rest of one character is left unused.
        if (answer.isTruncated) assert.ok(Buffer.byteLength(answer.content) > bytesMax - 4);
      },
    ),
  );
});

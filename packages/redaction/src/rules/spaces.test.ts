import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { hasRun, lineEnd, tokenEnd } from './spaces.ts';

const texts = fc.string({
  unit: fc.constantFrom('a', 'b', '-', 'é', '\u{1f600}', ' ', '\n', '\u00a0', '\u2003'),
  maxLength: 40,
});

test('a row without white space is found where an expression finds one', () => {
  fc.assert(
    fc.property(
      texts,
      fc.nat(20),
      fc.nat(40),
      fc.integer({ min: 1, max: 9 }),
      (text, from, most, size) => {
        const end = Math.min(most, text.length);
        const expected = new RegExp(`\\S{${size}}`).test(text.slice(from, Math.max(from, end)));
        assert.equal(hasRun(text, { from, end }, size), expected);
      },
    ),
    { numRuns: 1_000 },
  );
});

test('tokens and lines end where an expression says', () => {
  fc.assert(
    fc.property(texts, fc.nat(20), (text, at) => {
      const from = Math.min(at, text.length);
      const rest = text.slice(from);
      assert.equal(tokenEnd(text, from), from + (/^\S*/.exec(rest)?.[0].length ?? 0));
      assert.equal(lineEnd(text, from), from + (/^[^\n]*/.exec(rest)?.[0].length ?? 0));
    }),
    { numRuns: 500 },
  );
});

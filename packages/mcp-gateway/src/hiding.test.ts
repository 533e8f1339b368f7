import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { cutAtWord, shortLine, shortText } from './hiding.ts';

const hide = (text: string): string => text.replaceAll('a secret', '[]');

test('wherever a secret stands, what is short enough has no part of it', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 17_000 }),
      fc.constantFrom(shortText, shortLine),
      (before, shorten) => {
        const shown = shorten(`${'x '.repeat(before / 2)}a secret ${'y '.repeat(500)}`, hide);
        assert.ok(shown.length <= 300);
        assert.doesNotMatch(shown, /a|secr/);
      },
    ),
  );
});

test('a text is cut where a word ends, and a short one is not cut', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'b', ' ', '語', '\n') }), (text) => {
      const cut = cutAtWord(text, 20);
      if (text.length <= 20) return assert.equal(cut, text);
      assert.ok(cut.length <= 20 && cut.endsWith('…') && text.startsWith(cut.slice(0, -1)));
      assert.doesNotMatch(cut, /[ab]…$/);
    }),
  );
  assert.equal(cutAtWord(`one ${'x'.repeat(30)}`, 20), 'one …');
  assert.equal(cutAtWord('語'.repeat(30), 20), `${'語'.repeat(19)}…`);
});

test('a line has neither breaks nor hidden characters, and a text keeps its own', () => {
  assert.equal(shortLine('one\n\u0000 two', hide), 'one two');
  assert.equal(shortText('one\ntwo', hide), 'one\ntwo');
});

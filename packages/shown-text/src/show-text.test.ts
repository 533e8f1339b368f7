import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { hasHidden } from './clean-text.ts';
import { showShortText, showText } from './show-text.ts';

const escape = String.fromCodePoint(0x1b);
/** Pieces that sequences and line ends are made of, so that they meet in every way, at a cut too. */
const pieces = fc.array(
  fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\r', '\n', '\u2028', `${escape}[`, `${escape}]`, '\u200B', 'm', '\u{1F600}'),
  ),
);

test('line ends and tabs stay; what writes over a line becomes a line of its own', () => {
  assert.equal(showText('a\tb\nc\r\nd'), 'a\tb\nc\r\nd');
  assert.equal(showText('rm -rf /\rls -la   '), 'rm -rf /\nls -la   ');
  assert.equal(
    showText('a\u001B]0;title\u0007b\u001B[2Jc\u202Ed\u200Be\u{E0041}f\u0008'),
    'abcdef',
  );
  assert.equal(showText('naïve 日本語 👍\uFE0F'), 'naïve 日本語 👍\uFE0F');
});

test('what is shown has nothing hidden in it, and to show it again changes nothing', () => {
  fc.assert(
    fc.property(pieces, (drawn) => {
      const shown = showText(drawn.join(''));
      assert.ok(!hasHidden(shown) && !/\r(?!\n)/.test(shown));
      assert.equal(showText(shown), shown);
    }),
  );
});

test('a short text is cut with an ellipsis, never within a character', () => {
  for (const [text, lengthMax, shown] of [
    ['two\nlines\tand 日本', 100, 'two\nlines\tand 日本'],
    ['x'.repeat(11), 10, `${'x'.repeat(9)}…`],
    ['ab\u{1F600}', 3, 'ab…'],
    ['a\u{1F600}b', 3, 'a…'],
    ['\u200B'.repeat(100), 10, '…'],
    // What is looked at ends within a character.
    [`abc${'\u{1F600}'.repeat(10)}`, 1, '…'],
  ] as const) {
    assert.equal(showShortText(text, lengthMax), shown);
  }
});

test('every line of a short text ends with LF, whatever ended it', () => {
  assert.equal(showShortText('a\r\nb\rc\u2028d\u2029e\n', 100), 'a\nb\nc\nd\ne\n');
});

test('a short text has nothing hidden, is bounded, and to show it again changes nothing', () => {
  fc.assert(
    fc.property(pieces, fc.nat(40), (drawn, length) => {
      const shown = showShortText(drawn.join(''), length + 1);
      assert.ok(!hasHidden(shown) && !/[\r\u2028\u2029]/.test(shown));
      assert.ok(shown.length <= length + 1 && shown.isWellFormed());
      assert.equal(showShortText(shown, length + 1), shown);
    }),
  );
});

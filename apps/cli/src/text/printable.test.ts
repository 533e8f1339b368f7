import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toLine, toPrintable } from './printable.ts';

const text = fc.string({ unit: 'binary', maxLength: 400 });
const unsafe = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

test('no text of a model or a tool can act on the terminal', () => {
  fc.assert(fc.property(text, (given) => assert.doesNotMatch(toPrintable(given), unsafe)));
});

test('escape sequences and marks of direction are shown as what they are', () => {
  assert.equal(
    toPrintable('\u001B[2Jgone \u202Etxt\u2028'),
    '\\u{1b}[2Jgone \\u{202e}txt\\u{2028}',
  );
});

test('ordinary text stays as it is', () => {
  const given = 'Größe: 5 €,\tпривет, 漢字 😀\nnext';
  assert.equal(toPrintable(given), given);
});

test('a line keeps its bound and has no break, whatever the text', () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 80 }), (given, lengthMax) => {
      const line = toLine(given, lengthMax);
      assert.ok(line.length <= lengthMax);
      assert.doesNotMatch(line, /[\r\n]/);
    }),
  );
});

test('what is cut is marked, and never leaves half a character', () => {
  assert.equal(toLine('abcdef', 4), 'abc…');
  assert.equal(toLine('ab😀😀', 4), 'ab…');
  assert.equal(toLine('abcd', 4), 'abcd');
});

test('a text of megabytes is not read to its end for one line', () => {
  assert.equal(toLine(`${' '.repeat(1_000)}end`, 10), '…');
});

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { readHeaderValue, toHeaderValue } from './mirrored-headers.ts';

test('any text comes back from the value of a header that stands for it', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('', ' a', 'a\t', '=?base64?=', '=?base64??=', '=?base64?YQ==?=', '?='),
  );
  fc.assert(
    fc.property(text, (given) => {
      const value = toHeaderValue(given);
      assert.match(value, /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/);
      assert.equal(readHeaderValue(value), given);
    }),
  );
});

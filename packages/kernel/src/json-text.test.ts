import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { parseJsonText } from './json-text.ts';
import type { Json } from './json.ts';

// Close to what the engine mixes up: keys that are an escape, alone or at a start.
const someKey = fc.oneof(
  fc.constantFrom('\\', '"', '\n', '\r', '\u0000', 'ü', '"x', '\\x', 'a', '__proto__'),
  fc.string(),
);
const { value: someValue } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 1, -0.5e10, '', 'a:"b\\",[1]', '\\'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(someKey, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

/** With each character of a key as an escape, and gaps where they may be. */
function escaped(value: Json): string {
  if (Array.isArray(value)) return `[ ${value.map(escaped).join(' ,\n')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => {
    const codes = Array.from({ length: key.length }, (_none, at) => key.charCodeAt(at));
    const text = codes.map((code) => `\\u${code.toString(16).padStart(4, '0')}`).join('');
    return `"${text}"\t: ${escaped(member)}`;
  });
  return `{${members.join(',')} }`;
}

suite('JSON from outside', () => {
  test('a key is what its own text says, whatever was read before', () => {
    parseJsonText(String.raw`{"h":[],"\\":0}`);
    const keys = Object.keys(Object(parseJsonText(String.raw`{"h":1,"\"":2}`)));
    assert.deepEqual(keys, ['h', '"']);
  });

  test('every text reads as the value that it was written from, in any order of texts', () => {
    fc.assert(
      fc.property(fc.array(someValue, { minLength: 1, maxLength: 6 }), (values) => {
        for (const value of values) {
          assert.deepEqual(parseJsonText(JSON.stringify(value)), value);
          assert.deepEqual(parseJsonText(escaped(value)), value);
        }
      }),
    );
  });

  test('what is not JSON is refused', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        fc.pre(!isJson);
        assert.throws(() => parseJsonText(text), SyntaxError);
      }),
    );
    for (const text of ['', '{"\\":1}', '{"a":1', '{"\\u00":1}', "{'a':1}"]) {
      assert.throws(() => parseJsonText(text), SyntaxError);
    }
  });
});

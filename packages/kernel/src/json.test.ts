import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, isJsonObject, sha256Hex } from './json.ts';
import type { Json } from './json.ts';

/** What JSON.parse makes of a value, so that only JSON is left of it. */
function asJson(value: unknown): Json {
  // What JSON.parse gives is JSON by definition.
  return JSON.parse(JSON.stringify(value)) as Json;
}

test('canonical JSON is JSON of the same value, whatever the order of its keys', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (given) => {
      const value = asJson(given);
      const text = canonicalJson(value);
      assert.deepEqual(JSON.parse(text), value);
      assert.equal(canonicalJson(asJson(reverseKeys(value))), text);
    }),
  );
});

test('keys are sorted and nothing is added', () => {
  assert.equal(
    canonicalJson({ b: [1, 'x', null], a: { d: true, c: -0.5 } }),
    '{"a":{"c":-0.5,"d":true},"b":[1,"x",null]}',
  );
});

test('keys that an object moves, such as numbers, are sorted like all others', () => {
  const someKey = fc.constantFrom(
    '10',
    '9',
    '-1',
    '01',
    '__proto__',
    'toJSON',
    'a',
    '',
    '"',
    '\ud800',
  );
  const { value: someValue } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, -0, 1.5, 'x"'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(someKey, tie('value'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(someValue, (value) => {
      assert.equal(canonicalJson(value), inOrder(value));
    }),
  );
});

test('a value that is nested too deeply is refused, not overflowed', () => {
  let value: Json = 1;
  for (let level = 0; level < 70; level += 1) value = [value];
  assert.throws(() => canonicalJson(value), RangeError);
});

test('however deep a value may be, below a key that an object moves it is no deeper', () => {
  let value: Json = 1;
  for (let level = 0; level < 70; level += 1) value = { 7: value };
  assert.throws(() => canonicalJson(value), RangeError);
});

test('arrays and null are no objects', () => {
  assert.deepEqual([{}, [], null, 1, 'x'].map(isJsonObject), [true, false, false, false, false]);
});

test('the digest is SHA-256 of the UTF-8 text', () => {
  // The test vector of FIPS 180-2 for "abc".
  assert.equal(
    sha256Hex('abc'),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});

function inOrder(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(inOrder).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]): [string, string] => [
    key,
    `${JSON.stringify(key)}:${inOrder(member)}`,
  ]);
  members.sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([, text]) => text).join(',')}}`;
}

function reverseKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(reverseKeys);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reverseKeys(member)]),
  );
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createKnownValues } from './known-values.ts';

test('known values are hidden wherever they stand, the longest first', () => {
  const { replace } = createKnownValues(['correct-horse', 'correct-horse-battery', 'short']);
  assert.equal(replace('a correct-horse-battery, a short one'), 'a [SECRET], a short one');
  assert.equal(replace('x=correct-horse-batteries'), 'x=[SECRET]-batteries');
});

test('without values a text passes as it is', () => {
  const known = createKnownValues(['']);
  assert.equal(known.replace('text'), 'text');
  assert.equal(known.stream().push('text'), 'text');
});

test('what is the beginning of a value only is given out at the end', () => {
  const stream = createKnownValues(['correct-horse']).stream();
  assert.equal(stream.push('a correct-'), 'a ');
  assert.equal(stream.push('house'), 'correct-house');
  assert.equal(stream.push(' correct'), ' ');
  assert.equal(stream.end(), 'correct');
});

const password = 'p"q\\w9#Z&t/é😀X';
const json = JSON.stringify(password).slice(1, -1);
const units = Array.from({ length: password.length }, (_none, at) => password.charCodeAt(at));
const writings = [
  password,
  json,
  JSON.stringify(json).slice(1, -1),
  encodeURIComponent(password),
  encodeURIComponent(encodeURIComponent(password)),
  units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join(''),
  Array.from(password).join('\u200b'),
];

test('a value is known in whatever way it is written', () => {
  const known = createKnownValues([password, 'correct-horse']);
  for (const writing of writings) {
    assert.equal(known.replace(`a ${writing} b`), 'a [SECRET] b');
    for (const size of [1, 2, 5]) {
      const stream = known.stream();
      let given = '';
      for (let at = 0; at < writing.length; at += size) {
        given += stream.push(writing.slice(at, at + size));
      }
      assert.equal(given + stream.push(' b') + stream.end(), '[SECRET] b');
    }
  }
  assert.equal(known.replace('100 %\\n of correct horses'), '100 %\\n of correct horses');
});

test('a long value is known by its parts', () => {
  const long = Array.from({ length: 400 }, (_none, at) => `k${at}`).join('');
  const known = createKnownValues([long]);
  assert.match(known.replace(`a ${long} b`), /^a (?:\[SECRET\])+ b$/);
  const stream = known.stream();
  const given =
    Array.from(long)
      .map((one) => stream.push(one))
      .join('') + stream.end();
  assert.match(given, /^(?:\[SECRET\])+$/);
});

test('however a text is cut, the same text comes out, and as often as something was found', () => {
  const unit = fc.constantFrom('a', 'b', '%', '\\');
  const word = fc.string({ unit, minLength: 8, maxLength: 12 });
  const words = fc.array(word, { minLength: 1, maxLength: 4 });
  const pieces = fc.array(fc.oneof(fc.string({ unit, maxLength: 3 }), fc.nat(3)), {
    maxLength: 24,
  });
  fc.assert(
    fc.property(words, pieces, (values, parts) => {
      const known = createKnownValues(values);
      const chunks = parts.map((part) => (typeof part === 'string' ? part : (values[part] ?? '')));
      const counts = { whole: 0, cut: 0 };
      const stream = known.stream(() => (counts.cut += 1));
      const cut = chunks.map((chunk) => stream.push(chunk)).join('') + stream.end();
      const whole = known.replace(chunks.join(''), () => (counts.whole += 1));
      assert.equal(cut, whole);
      assert.equal(counts.cut, counts.whole);
      for (const value of values) assert.ok(!whole.includes(value));
    }),
  );
});

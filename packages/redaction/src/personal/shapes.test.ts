import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { allRecognizers } from './scanner.ts';
import { createShapes } from './shapes.ts';

const shapes = createShapes(allRecognizers.map(({ form }) => form));
const all = shapes.select(() => true);

function formsAt(text: string, at: number): readonly RegExp[] {
  return shapes.at(text, at, all).flatMap((form) => allRecognizers[form]?.form ?? []);
}

const piece = fc.oneof(
  fc.constantFrom(
    '4111 1111 1111 1111',
    'DE89 3704 0044 0532 0130 00',
    '+49 (30) 123-4567 x12',
    '123-45-6789',
    'fe80::1',
    '10.0.0.1/24',
    'aa:bb:cc:dd:ee:ff',
    '12th of March, 1980',
    'jan 3 1999',
    'AB 12 34 56 C',
    'X1234567L',
    '1A1zP1eP5QGefi2DMPTfTLpV9qGqAAAA',
    'bc1qqqqqqq',
    '0x',
  ),
  fc.string({ unit: fc.constantFrom(...'0123456789aZ -./:()+_,\n\u00e9'.split('')), maxLength: 8 }),
);

test('a form that matches somewhere has the shape that is there', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
      const text = pieces.join('');
      for (let at = 0; at < text.length; at += 1) {
        const forms = formsAt(text, at);
        for (const recognizer of allRecognizers) {
          recognizer.form.lastIndex = at;
          const isMatch = recognizer.form.test(text);
          assert.ok(
            !isMatch || forms.includes(recognizer.form),
            `${recognizer.form} at ${at} of ${text}`,
          );
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('few forms have the shape of an ordinary word or number', () => {
  assert.deepEqual(formsAt('hello world', 0), []);
  assert.ok(formsAt('1234567 apples', 0).length < 12);
});

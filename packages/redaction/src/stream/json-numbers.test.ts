import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '@modelhost/kernel';
import fc from 'fast-check';
import { createDetectors, detectorNames } from '../index.ts';
import { createJsonRedaction } from './json-stream.ts';
import { redactJson } from './json-value.ts';
import { createRedactor } from './redactor.ts';

const detectors = createDetectors({ detectors: detectorNames });
const styles = Object.fromEntries(detectorNames.map((name) => [name, 'token' as const]));
const redactor = createRedactor({ detectors, styles });

/** What is left of a JSON text once it was read, and as it streams. */
function hidden(json: string): readonly Json[] {
  const stream = createJsonRedaction(redactor);
  // Both are JSON.
  return [
    redactJson(redactor, JSON.parse(json) as Json),
    JSON.parse(stream.push(json) + stream.end()) as Json,
  ];
}

function withCheckDigit(digits: string): string {
  const sum = Array.from(digits, Number)
    .toReversed()
    .map((digit, at) => (at % 2 === 1 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9))
    .reduce((one, other) => one + other, 0);
  return `${digits}${String((10 - (sum % 10)) % 10)}`;
}

const lengths = [
  ['5018', 12],
  ['4', 13],
  ['36', 14],
  ['34', 15],
  ['5105', 16],
  ['62', 17],
  ['62', 18],
  ['4', 19],
  ['62', 19],
] as const;

const cards: fc.Arbitrary<string> = fc.constantFrom(...lengths).chain(([issuer, length]) => {
  const rest = length - issuer.length - 1;
  const digits = fc.string({
    unit: fc.constantFrom('0', '1', '2', '3', '4', '5', '6', '7', '8', '9'),
    minLength: rest,
    maxLength: rest,
  });
  return digits.map((middle) => withCheckDigit(issuer + middle));
});

/** A whole number in the ways in which JSON may write it. */
function writingsOf(digits: string): readonly string[] {
  const exponent = digits.length - 1;
  return [
    digits,
    `-${digits}`,
    `${digits}.0`,
    `${digits}e0`,
    `${digits.charAt(0)}.${digits.slice(1)}e${exponent}`,
    `${digits.charAt(0)}.${digits.slice(1)}E+${exponent}`,
    `${digits}00e-2`,
  ];
}

test('a card is hidden where it is a number, of any length and however the number is written', () => {
  fc.assert(
    fc.property(cards, (card) => {
      for (const writing of writingsOf(card)) {
        for (const value of hidden(`{"n":[${writing}]}`)) {
          assert.match(JSON.stringify(value), /^\{"n":\["-?\[CARD\]"\]\}$/, writing);
        }
      }
    }),
  );
});

test('a whole number that lost digits when it was read is hidden where it may have been a card', () => {
  // Whatever these digits were, not all of them are known.
  for (const number of ['62123456789012346', '621234567890123457', '5000000000000000001']) {
    for (const value of hidden(`[${number}]`)) assert.deepEqual(value, ['[CARD]']);
  }
  // None of these can be one, or has lost any.
  const others =
    '[1734567890123456789,9007199254740993,62123456789012345678,1e25,5105105105105106]';
  for (const value of hidden(others)) assert.deepEqual(value, JSON.parse(others));
});

test('only cards are looked for in what may have been one', () => {
  const without = createRedactor({
    detectors: createDetectors({ detectors: ['email', 'national_id'] }),
    styles: { email: 'token' },
  });
  fc.assert(
    fc.property(fc.double({ min: 1e16, max: 1e19, noNaN: true }), (number) => {
      assert.equal(redactJson(without, number), number);
    }),
  );
});

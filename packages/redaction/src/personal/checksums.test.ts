import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { digitsOf, isDay, isLuhn, isMod11And10, isMod97, isVerhoeff } from './checksums.ts';

const digit = fc.integer({ min: 0, max: 9 });

for (const [name, check] of Object.entries({ isLuhn, isVerhoeff, isMod11And10 })) {
  test(`${name} holds for just one last digit`, () => {
    fc.assert(
      fc.property(fc.array(digit, { minLength: 5, maxLength: 18 }), (digits) => {
        const good = Array.from({ length: 10 }, (_, last) => last).filter((last) =>
          check([...digits, last]),
        );
        assert.equal(good.length, 1);
      }),
      { numRuns: 200 },
    );
  });

  test(`${name} notices any one wrong digit`, () => {
    fc.assert(
      fc.property(
        fc.array(digit, { minLength: 8, maxLength: 12 }),
        fc.nat(7),
        fc.integer({ min: 1, max: 9 }),
        (digits, at, change) => {
          const last = Array.from({ length: 10 }, (_, one) => one).find((one) =>
            check([...digits, one]),
          );
          const wrong = digits.with(at, ((digits[at] ?? 0) + change) % 10);
          assert.equal(check([...wrong, last ?? 0]), false);
        },
      ),
      { numRuns: 200 },
    );
  });
}

test('an IBAN with its head at the end passes MOD 97, and not with two characters exchanged', () => {
  assert.equal(isMod97('370400440532013000DE89'), true);
  assert.equal(isMod97('370400440532010300DE89'), false);
});

test('days are those of the calendar', () => {
  assert.deepEqual(
    [
      isDay(2024, 2, 29),
      isDay(2023, 2, 29),
      isDay(1900, 2, 29),
      isDay(2020, 13, 1),
      isDay(2020, 4, 31),
    ],
    [true, false, false, false, false],
  );
});

test('digits are read across marks', () => {
  assert.deepEqual(digitsOf('4-1 a2'), [4, 1, 2]);
});

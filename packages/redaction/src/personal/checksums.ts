/** The digits of a text, in order; everything else is passed over. */
export function digitsOf(text: string): readonly number[] {
  const digits: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const digit = text.charCodeAt(at) - 48;
    if (digit >= 0 && digit <= 9) {
      digits.push(digit);
    }
  }
  return digits;
}

/** Luhn's check of cards, of Canada's and Sweden's numbers and others. */
export function isLuhn(digits: readonly number[]): boolean {
  let sum = 0;
  for (let back = 0; back < digits.length; back += 1) {
    const digit = digits[digits.length - 1 - back] ?? 0;
    sum += back % 2 === 0 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9;
  }
  return sum % 10 === 0;
}

const zero = 0x30;
const nine = 0x39;
const smallBit = 0x20;
const beforeA = 0x61 - 10;

/** ISO 7064 MOD 97-10 over letters and digits, as an IBAN has it once its head stands at the end; spaces and dashes are passed over. */
export function isMod97(text: string): boolean {
  let rest = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < zero) continue;
    // The bit tells small letters from capitals; both count from ten.
    const value = unit <= nine ? unit - zero : (unit | smallBit) - beforeA;
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}

/** ISO 7064 MOD 11,10: the last digit checks the others. */
export function isMod11And10(digits: readonly number[]): boolean {
  let product = 10;
  for (const digit of digits.slice(0, -1)) {
    const sum = (digit + product) % 10;
    product = ((sum === 0 ? 10 : sum) * 2) % 11;
  }
  const check = 11 - product;
  return (check === 10 ? 0 : check) === digits.at(-1);
}

/** The sum of the digits, each times its weight. */
export function weightedSum(digits: readonly number[], weights: readonly number[]): number {
  return weights.reduce((sum, weight, at) => sum + weight * (digits[at] ?? 0), 0);
}

const turns: readonly (readonly number[])[] = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
  [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
  [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
  [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
  [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
  [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
  [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
];

/** Verhoeff's check, in the group of turns and mirrors of a pentagon. */
export function isVerhoeff(digits: readonly number[]): boolean {
  let state = 0;
  digits.toReversed().forEach((digit, at) => {
    state = combine(state, turns[at % 8]?.[digit] ?? 0);
  });
  return state === 0;
}

function combine(one: number, other: number): number {
  if (one < 5) {
    return other < 5 ? (one + other) % 5 : ((one + other) % 5) + 5;
  }
  return other < 5 ? ((one - other + 5) % 5) + 5 : (one - other + 5) % 5;
}

/** Is this a day of the calendar? Years are full, months begin at 1. */
export function isDay(year: number, month: number, day: number): boolean {
  const days =
    month === 2
      ? year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
        ? 29
        : 28
      : [4, 6, 9, 11].includes(month)
        ? 30
        : 31;
  return month >= 1 && month <= 12 && day >= 1 && day <= days;
}

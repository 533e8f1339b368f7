import { monthName } from './moments.ts';

// Digits in groups of three, or in one go, and then perhaps a fraction.
const numeral =
  /(?<![\p{L}\p{N}_@./-])(?:\d{1,3}(?:[, ’']\d{3}){1,6}|\d{1,24})(?:\.\d{1,12})?(?!\d|[./:-]\d)/gu;
/** What says that a short number is one: a word or sign before it, or the name of a currency after it. */
const cueBefore =
  /(?:(?<![\p{L}\p{N}])(?:ids?_?|no|nr|numbers?|amounts?|sums?|totals?|prices?|fees?|costs?|pay|eur|usd|gbp|chf)|[#$€£¥])[^\p{L}\p{N}]{0,3}$/u;
const cueAfter =
  /^ ?(?:[€$£¥]|(?:eur|usd|gbp|chf|euros?|dollars?|pounds?|francs?)(?![\p{L}\p{N}]))/u;
const cueLength = 16;
/** What says that a number of four digits is a year: a month before or after it. */
const year = /^(?:19|20)\d{2}$/;
const monthBefore = new RegExp(
  String.raw`(?<!\p{L})(?:${monthName})\.?(?: \d{1,2}(?:st|nd|rd|th)?)?,? ?(?:of )?$`,
  'u',
);
const monthAfter = new RegExp(String.raw`^,? ?(?:${monthName})(?!\p{L})`, 'u');
const monthLength = 24;

/** Whether a value is a number, or an id, of which the like stand everywhere: at most three digits. */
export function isShortNumber(value: string): boolean {
  const digits = value.replaceAll(/[.-]/g, '').replace(/^0+/, '');
  return /^-?\d+(?:\.\d+)?$/.test(value) && digits.length <= 3;
}

/** A number in a folded text. */
export interface Numeral {
  readonly value: number;
  readonly text: string;
  /** Something beside it says that it is a number that matters. */
  readonly hasCue: boolean;
}

/** The numbers in a folded text, in any spelling that can only mean them. */
export function numeralsIn(folded: string): readonly Numeral[] {
  return [...folded.matchAll(numeral)].flatMap(({ 0: text, index }) => {
    const end = index + text.length;
    const value = Number(text.replaceAll(/[, ’']/g, ''));
    const found = { value, text, hasCue: hasCue(folded, index, end) };
    return !found.hasCue && isYear(folded, index, end) ? [] : [found];
  });
}

/** In `the rent of March 2026` the number is a part of a date, and no amount. */
function isYear(folded: string, start: number, end: number): boolean {
  return (
    year.test(folded.slice(start, end)) &&
    (monthBefore.test(folded.slice(Math.max(0, start - monthLength), start)) ||
      monthAfter.test(folded.slice(end, end + monthLength)))
  );
}

type Numerals = ReadonlyMap<number, readonly Numeral[]>;

/** Whether the number is among those of a text; a short one only next to a cue. */
export function hasNumber(value: number, numerals: Numerals): boolean {
  const found = numerals.get(value) ?? [];
  return isShortNumber(String(value)) ? found.some((each) => each.hasCue) : found.length > 0;
}

/** Whether an id of at most three digits is among the numbers of a text, as it is written, next to a cue. */
export function hasShortId(value: string, numerals: Numerals): boolean {
  const found = numerals.get(Number(value)) ?? [];
  return found.some((each) => each.text === value && each.hasCue);
}

function hasCue(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - cueLength), start);
  return cueBefore.test(before) || cueAfter.test(text.slice(end, end + cueLength));
}

import { placesOf } from './fold.ts';

// Digits in groups of three, or in one go, and then perhaps a fraction.
const numeral =
  /(?<![\p{L}\p{N}_@./-])(?:\d{1,3}(?:[, ’']\d{3}){1,6}|\d{1,24})(?:\.\d{1,12})?(?!\d|[./:-]\d)/gu;
/** What says that a short number is one: a word or sign before it, or the name of a currency after it. */
const cueBefore =
  /(?:(?<![\p{L}\p{N}])(?:ids?_?|no|nr|numbers?|amounts?|sums?|totals?|prices?|fees?|costs?|pay|eur|usd|gbp|chf)|[#$€£¥])[^\p{L}\p{N}]{0,3}$/u;
const cueAfter =
  /^ ?(?:[€$£¥]|(?:eur|usd|gbp|chf|euros?|dollars?|pounds?|francs?)(?![\p{L}\p{N}]))/u;
const cueLength = 16;
const placesMax = 1000;

/** Whether a value is a number, or an id, of which the like stand everywhere: at most three digits. */
export function isShortNumber(value: string): boolean {
  const digits = value.replaceAll(/[.-]/g, '').replace(/^0+/, '');
  return /^-?\d+(?:\.\d+)?$/.test(value) && digits.length <= 3;
}

/** Whether the number stands in the folded text, in any spelling that can only mean it; a short one only next to a cue. */
export function hasNumber(value: number, text: string): boolean {
  if (!Number.isFinite(value) || value < 0) return false;
  const wanted = String(value);
  const isShort = isShortNumber(wanted);
  for (const match of text.matchAll(numeral)) {
    if (Number(match[0].replaceAll(/[, ’']/g, '')) !== value) continue;
    if (!isShort || hasCue(text, match.index, match.index + match[0].length)) return true;
  }
  return false;
}

/** Whether an id of at most three digits stands in the folded text next to a cue. */
export function hasShortId(value: string, text: string): boolean {
  return placesOf(value, text, placesMax).some((start) =>
    hasCue(text, start, start + value.length),
  );
}

function hasCue(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - cueLength), start);
  return cueBefore.test(before) || cueAfter.test(text.slice(end, end + cueLength));
}

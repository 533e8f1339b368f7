import { isInvisible } from '../text/invisible.ts';

/** What a UTF-16 unit means to the segmenter. */
export type UnitClass = number;

/** Letters, marks and punctuation of prose. */
export const plainUnit: UnitClass = 1;
/** Capital letters. */
export const capitalUnit: UnitClass = 2;
/** Decimal digits of any script, and `@`. */
export const sensitiveUnit: UnitClass = 3;
/** White space, and the stops of scripts that write without spaces. */
export const spaceUnit: UnitClass = 4;
/** `=`, `:` and `>`, which stand between a name and its value. */
export const operatorUnit: UnitClass = 5;
/** Does not show and so breaks nothing, as zero-width and control characters; or the first half of what does not. */
export const invisibleUnit: UnitClass = 6;
/** Punctuation at which a text that has to be cut is cut best. */
const delimiterUnit: UnitClass = 7;

const classes = new Uint8Array(0x1_0000);
const folds = new Uint16Array(0x1_0000);

/** The class of a unit; worked out when a unit is first seen. */
export function classOf(unit: number): UnitClass {
  const known = classes[unit] ?? 0;
  if (known !== 0) return known;
  const found = classify(unit);
  classes[unit] = found;
  return found;
}

/** The unit that words are compared with: full-width forms are ASCII, and capitals beyond ASCII are small. */
export function foldUnit(unit: number): number {
  if (unit < 0x80) return unit;
  const known = folds[unit] ?? 0;
  if (known !== 0) return known;
  const character = String.fromCharCode(unit);
  const normal = character.normalize('NFKC');
  const small = (normal.length === 1 && normal < '\u0080' ? normal : character).toLowerCase();
  const folded = small.length === 1 ? small.charCodeAt(0) : unit;
  folds[unit] = folded;
  return folded;
}

/** Whether the unit is one of those that word bounds of expressions go by. */
export function isWordUnit(unit: number): boolean {
  return (
    (unit >= 0x61 && unit <= 0x7a) ||
    (unit >= 0x41 && unit <= 0x5a) ||
    (unit >= 0x30 && unit <= 0x39) ||
    unit === 0x5f
  );
}

/** Whether the unit is the first half of a surrogate pair. */
export function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** Whether the unit is the second half of a surrogate pair. */
export function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

// The first half of mathematical letters and digits.
const mathematical = 0xd835;
const stops = /[\u3001\u3002\uff01\uff0c\uff1b\uff1f\u300d\u300f\u3011\u0e2f\u104b\u17d4]/;
const delimiters = /[,;"'{}[\]()<|&`\\]/;

function classify(unit: number): UnitClass {
  const character = String.fromCharCode(unit);
  if (unit === mathematical) return sensitiveUnit;
  // Of tags and of private use all that begins with the half is invisible.
  const isTag = unit >= 0xdb40 && unit <= 0xdb43;
  if (isTag || (unit >= 0xdb80 && unit <= 0xdbff) || isInvisible(character)) return invisibleUnit;
  if (/\s/u.test(character) || stops.test(character)) return spaceUnit;
  const folded = String.fromCharCode(foldUnit(unit));
  if (folded === '@' || /\p{Nd}/u.test(folded)) return sensitiveUnit;
  if (/[=:>]/.test(folded)) return operatorUnit;
  if (delimiters.test(folded)) return delimiterUnit;
  return /\p{Lu}/u.test(character) ? capitalUnit : plainUnit;
}

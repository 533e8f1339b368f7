import { escapeUnits, isInvisible, sequenceLength } from './invisible.ts';

/** A text as a reader would see it, with the way back to the text as written. */
export interface FoldedView {
  /** Invisible characters are gone; full-width and other forms of letters and digits are ASCII. */
  readonly text: string;
  /** The offset in the original of a view offset; exact at the start of a stretch. */
  originalStart(at: number): number;
  /** The offset in this view of the first character at or behind an original offset. */
  viewStart(at: number): number;
  /** The offset in the original behind the stretch that ends at this view offset. */
  originalEnd(at: number): number;
}

const digit = /^\p{Nd}$/u;
const anyForeign = /[^\t-\r -~]/;
const removed = 0xffff;
const foldedUnits = createFoldedUnits();

/** The view of a text in which every unit stands for itself and none is half of a pair. */
export function createPlainView(text: string): FoldedView {
  return { text, originalStart: same, originalEnd: same, viewStart: same };
}

/**
 * Folds a text; a text in which no character stands for another is its own view and costs one look at each. Sequences that only a
 * terminal reads are gone as well, unless they are asked for: then only what cannot be seen of them is.
 */
export function createFoldedView(text: string, keepsSequences = false): FoldedView {
  const first = text.search(anyForeign);
  if (first < 0) return createPlainView(text);
  if (isPlain(text, first)) {
    return {
      text,
      originalStart: (at) => pairStart(text, at),
      originalEnd: (at) => pairEnd(text, at),
      viewStart: same,
    };
  }
  const units = new Uint16Array(text.length);
  const starts = new Uint32Array(text.length + 1);
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const passed = keepsSequences ? 0 : sequenceAt(text, at);
    if (passed > 0) {
      at += passed - 1;
      continue;
    }
    const width = widthAt(text, at);
    const folded = isStop(text, at) ? 0x2e : foldedAt(text, at, width);
    if (folded !== removed) {
      units[length] = folded;
      starts[length] = at;
      length += 1;
    }
    if (width === 2 && folded === text.charCodeAt(at)) {
      units[length] = text.charCodeAt(at + 1);
      starts[length] = at + 1;
      length += 1;
    }
    at += width - 1;
  }
  starts[length] = text.length;
  return {
    text: decodeUnits(units, length),
    originalStart: (at) => pairStart(text, starts[at] ?? text.length),
    viewStart: (at) => firstFrom(starts.subarray(0, length), at),
    originalEnd: (at) => (at === 0 ? 0 : behind(text, starts[at - 1] ?? text.length)),
  };
}

/** Whether each unit stands for itself; most letters and marks of other scripts do. */
function isPlain(text: string, first: number): boolean {
  for (let at = first; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    // Not yet known is zero, and halves of pairs are not known at all.
    const isOther = foldedUnits[unit] !== unit && foldedAt(text, at, widthAt(text, at)) !== unit;
    if (isOther || isStop(text, at)) {
      return false;
    }
  }
  return true;
}

const same = (at: number): number => at;

/** The index of the first of the rising values that is not below. */
function firstFrom(values: Uint32Array, least: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

function widthAt(text: string, at: number): 1 | 2 {
  const high = text.charCodeAt(at);
  if (high < 0xd800 || high > 0xdbff) {
    return 1;
  }
  const low = text.charCodeAt(at + 1);
  return low >= 0xdc00 && low <= 0xdfff ? 2 : 1;
}

function foldedAt(text: string, at: number, width: 1 | 2): number {
  const unit = text.charCodeAt(at);
  if (width === 2) {
    return fold(text.slice(at, at + 2), unit);
  }
  // The table fills itself; zero means not yet computed, which no character folds to.
  const known = foldedUnits[unit] ?? 0;
  if (known !== 0) {
    return known;
  }
  const folded = fold(text.charAt(at), unit);
  foldedUnits[unit] = folded;
  return folded;
}

/** The full stop of a script without spaces, between letters of ASCII as in a domain. */
function isStop(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return (
    (unit === 0x3002 || unit === 0xff61) && /^[a-z\d].[a-z\d]$/i.test(text.slice(at - 1, at + 2))
  );
}

function sequenceAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  const mayBegin = unit === escapeUnits.escape || unit === escapeUnits.introducer;
  return mayBegin ? sequenceLength(text, at) : 0;
}

function createFoldedUnits(): Uint16Array {
  const units = new Uint16Array(0x1_0000);
  for (let unit = 0; unit < 0x80; unit += 1) {
    units[unit] = isInvisible(String.fromCharCode(unit)) ? removed : unit;
  }
  return units;
}

function fold(character: string, unit: number): number {
  if (isInvisible(character)) {
    return removed;
  }
  if (digit.test(character)) {
    return 0x30 + digitValue(character);
  }
  if (/^[\p{Pd}\u2212]$/u.test(character)) {
    return 0x2d;
  }
  if (/^\p{Zs}$/u.test(character)) {
    return 0x20;
  }
  const normal = character.normalize('NFKC');
  return normal.length === 1 && normal.charCodeAt(0) < 0x80 ? normal.charCodeAt(0) : unit;
}

/** Decimal digits come in runs of ten, so the distance to the run's first digit is the value. */
function digitValue(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0x1d7ce && code <= 0x1d7ff) {
    return (code - 0x1d7ce) % 10;
  }
  let value = 0;
  while (value < 9 && digit.test(String.fromCodePoint(code - value - 1))) {
    value += 1;
  }
  return value;
}

function pairEnd(text: string, at: number): number {
  return at > 0 && widthAt(text, at - 1) === 2 ? at + 1 : at;
}

function pairStart(text: string, at: number): number {
  return at > 0 && widthAt(text, at - 1) === 2 ? at - 1 : at;
}

function behind(text: string, at: number): number {
  return pairStart(text, at) + widthAt(text, pairStart(text, at));
}

function decodeUnits(units: Uint16Array, length: number): string {
  const parts: string[] = [];
  for (let at = 0; at < length; at += 8_192) {
    parts.push(String.fromCharCode(...units.subarray(at, Math.min(at + 8_192, length))));
  }
  return parts.join('');
}

import { contextBefore } from '../personal/recognizer.ts';
import { commonWords, type ContextWord } from './context-words.ts';
import { isQuietText, skipQuiet, type Seen } from './quiet.ts';
import { resetScan, scanPlain, scanUnit, startBehind, type Scan } from './scan.ts';
import { isHighSurrogate } from './unit-classes.ts';
import { createWords, type Words } from './words.ts';

/** A stretch of the text that is looked at as a whole. */
export interface Segment {
  readonly text: string;
  /** The text together with what stood right before it: given out already, but a value is also known by what it follows. */
  readonly whole: string;
  /** The text had to be cut here, so a value may begin before `text` and end in it. */
  readonly isCut: boolean;
  /** It has no digit, no `@`, no `://` and none of the words: nothing that needs one of them is in it. */
  readonly isQuiet: boolean;
  /** One of the words may end in it; without any, no rule that needs a word has anything to find. */
  readonly hasWord: boolean;
  /** The whole is ASCII that shows and white space, so every character stands for itself. */
  readonly isPlain: boolean;
  /** The part of a private key that has no beginning or no end in this segment. */
  readonly keyPart: { readonly start: number; readonly end: number } | undefined;
}

/** Cuts a growing text into segments; what it cuts depends on the text and never on how it comes in. */
export interface Segmenter {
  /** The segments that the text so far closes, in order. Quiet ones may come joined. */
  push(text: string): readonly Segment[];
  /** The rest, as one segment; nothing may be pushed afterwards. */
  end(): readonly Segment[];
  /** Instead of `end` when the text was broken off: the rest if it ends a sentence, without what may be half a value. */
  abort(): readonly Segment[];
  /** UTF-16 units that are held back now. */
  held(): number;
}

const pieceMax = 16_384;
const sizeMax = 4_096;
const blockSizeMax = 16_384;
const overlap = 512;

/** Cuts texts by the same words. */
export interface Segmenters {
  /** `before` is no part of the text, such as the key of a value. */
  create(before: string): Segmenter;
  /** Whether every segment of the text would be quiet; may be false when it would. */
  isQuiet(text: string): boolean;
}

const known = new WeakMap<readonly ContextWord[], Segmenters>();

/** Makes segmenters ready, once for the same list of words. */
export function createSegmenters(words: readonly ContextWord[]): Segmenters {
  const made = known.get(words);
  if (made !== undefined) return made;
  const table = createWords([...commonWords, ...words]);
  const segmenters: Segmenters = {
    create: (before) => createSegmenter(table, before),
    isQuiet: (text) => isQuietText(text, table),
  };
  known.set(words, segmenters);
  return segmenters;
}

function createSegmenter(words: Words, beforeText: string): Segmenter {
  const reading: Reading = {
    words,
    scan: startBehind(beforeText, words),
    before: beforeText,
    beforeSize: beforeText.length,
    isCut: beforeText !== '',
    foreignTo: beforeText === '' ? Number.NEGATIVE_INFINITY : 0,
    held: '',
    rest: '',
    from: 0,
    quietFrom: 0,
    segments: [],
  };

  function push(text: string): readonly Segment[] {
    reading.segments = [];
    for (const piece of piecesOf(text)) read(reading, piece);
    return reading.segments;
  }

  function finish(isBroken: boolean): readonly Segment[] {
    const { held, before } = reading;
    reading.held = '';
    // What is broken off may have been about to become an address or a key, unless a sentence ends there.
    const isKept = !isBroken || (isQuiet(reading) && /[.!?]$/.test(held));
    return isKept && held !== ''
      ? [segmentOf(reading, held, { whole: before + held, end: 0 })]
      : [];
  }

  return {
    push,
    end: () => finish(false),
    abort: () => finish(true),
    held: () => reading.held.length,
  };
}

/** Where a segmenter stands. */
interface Reading extends Seen {
  readonly words: Words;
  readonly scan: Scan;
  /** What is looked at together with the next segment; up to date only where it is not all in the rest. */
  before: string;
  beforeSize: number;
  /** The open segment begins where a cut was forced. */
  isCut: boolean;
  /** What the pieces before have of the open segment. */
  held: string;
  /** What is being read, and in it where the open segment begins, and the quiet ones right before it. */
  rest: string;
  from: number;
  quietFrom: number;
  segments: Segment[];
}

function read(reading: Reading, piece: string): void {
  const { scan, words } = reading;
  let rest = piece;
  reading.rest = rest;
  reading.from = 0;
  reading.quietFrom = 0;
  for (let at = 0; at < rest.length; at += 1) {
    if (scan.size === 0 && isIdle(reading)) {
      at = skipQuiet(rest, at, words, reading);
      reading.from = at;
    }
    at = scanPlain(scan, rest, at, words);
    if (at === rest.length) break;
    const unit = rest.charCodeAt(at);
    if (isForeign(unit)) reading.foreignTo = at + 1;
    const isClosed = scanUnit(scan, unit, words);
    if (isClosed && reading.held === '' && isQuiet(reading)) {
      resetScan(scan, false);
      reading.from = at + 1;
    } else if (isClosed) {
      giveClosed(reading, at + 1);
    } else if (scan.size >= sizeMaxOf(scan)) {
      giveCut(reading, at + 1);
      ({ rest } = reading);
      at = -1;
    }
  }
  giveQuiet(reading);
  reading.before = beforeIn(reading);
  reading.held += rest.slice(reading.from);
  reading.foreignTo -= rest.length;
}

/** Gives out the quiet segments before the open one, as one. */
function giveQuiet(reading: Reading): void {
  const { rest, from, quietFrom } = reading;
  if (from <= quietFrom) return;
  const text = rest.slice(quietFrom, from);
  reading.segments.push(quietOf(text));
  passTo(reading, text, from);
}

function giveClosed(reading: Reading, to: number): void {
  giveQuiet(reading);
  const { rest, from, held, before, beforeSize } = reading;
  const text = held + rest.slice(from, to);
  // Nothing is put together where all of it stands in one piece.
  const isInRest = held === '' && from >= beforeSize;
  const whole = isInRest ? rest.slice(from - beforeSize, to) : before + text;
  reading.segments.push(segmentOf(reading, text, { whole, end: to }));
  reading.held = '';
  reading.isCut = false;
  passTo(reading, text, to);
  resetScan(reading.scan, false);
}

/** What is too long is cut, and the rest of it read again. */
function giveCut(reading: Reading, to: number): void {
  giveQuiet(reading);
  const { scan, rest, from, held } = reading;
  const before = beforeIn(reading);
  const open = held + rest.slice(from, to);
  const size = cutOf(open, scan);
  const text = open.slice(0, size);
  const end = to - open.length + size;
  reading.segments.push(segmentOf(reading, text, { whole: before + text, end }));
  reading.held = '';
  reading.isCut = true;
  reading.rest = open.slice(size) + rest.slice(to);
  reading.foreignTo -= end;
  reading.from = 0;
  reading.quietFrom = 0;
  reading.before = lastOf(before, text, overlap);
  reading.beforeSize = reading.before.length;
  resetScan(scan, scan.block !== 'none');
}

/** The next segment begins at this place in the rest, behind the text. */
function passTo(reading: Reading, text: string, to: number): void {
  reading.beforeSize = Math.min(contextBefore, reading.beforeSize + text.length);
  if (reading.beforeSize > to) reading.before = lastOf(reading.before, text, contextBefore);
  reading.from = to;
  reading.quietFrom = to;
}

function beforeIn({ rest, from, before, beforeSize }: Reading): string {
  return beforeSize > from ? before : rest.slice(from - beforeSize, from);
}

/** The segment that ends at this place in the rest, with what is looked at. */
function segmentOf(
  reading: Reading,
  text: string,
  { whole, end }: { readonly whole: string; readonly end: number },
): Segment {
  const { scan, isCut, foreignTo } = reading;
  return {
    text,
    whole,
    isCut,
    isQuiet: isQuiet(reading),
    hasWord: scan.hasWord || isCut,
    isPlain: foreignTo <= end - whole.length,
    keyPart: keyPartOf(scan, text.length),
  };
}

/** What follows a cut is looked at together with what stands before it. */
function isQuiet({ scan, isCut }: Reading): boolean {
  return !scan.isSensitive && !isCut;
}

/** A forced cut copies what is left of a piece, so no piece is long. */
function piecesOf(text: string): readonly string[] {
  if (text.length <= pieceMax) return [text];
  return Array.from({ length: Math.ceil(text.length / pieceMax) }, (_, index) =>
    text.slice(index * pieceMax, (index + 1) * pieceMax),
  );
}

/** At the start of a segment, with nothing to wait for. */
function isIdle({ held, isCut, scan }: Reading): boolean {
  const { isTail, block, wordsToWait, openUntil } = scan;
  const isWaiting = isTail || block !== 'none' || wordsToWait > 0 || openUntil > 0;
  return held === '' && !isCut && !isWaiting;
}

/** Neither ASCII that shows nor white space. */
function isForeign(unit: number): boolean {
  return unit > 0x7e || (unit < 0x20 && (unit < 0x09 || unit > 0x0d));
}

function quietOf(text: string): Segment {
  return {
    text,
    whole: text,
    isCut: false,
    isQuiet: true,
    hasWord: false,
    isPlain: false,
    keyPart: undefined,
  };
}

function lastOf(before: string, text: string, size: number): string {
  return text.length < size ? (before + text).slice(-size) : text.slice(-size);
}

function sizeMaxOf(scan: Scan): number {
  return scan.block === 'none' && scan.blockEnd === 0 ? sizeMax : blockSizeMax;
}

/** Where a segment that is too long is cut: at a delimiter if one is near, and never inside a surrogate pair. */
function cutOf(text: string, scan: Scan): number {
  const { block, blockEnd, delimiterEnd } = scan;
  const isNear = delimiterEnd > text.length - overlap && delimiterEnd >= blockEnd;
  if (block === 'none' && isNear) return delimiterEnd;
  return isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.length - 1 : text.length;
}

function keyPartOf(scan: Scan, size: number): Segment['keyPart'] {
  const isOpen = scan.block === 'open' || scan.block === 'end';
  if (isOpen) return { start: scan.isTail ? 0 : scan.blockStart, end: size };
  return scan.isTail ? { start: 0, end: Math.min(scan.blockEnd, size) } : undefined;
}

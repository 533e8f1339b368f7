import { contextBefore } from '../personal/recognizer.ts';
import { commonWords, type ContextWord } from './context-words.ts';
import { isQuietText, skipQuiet } from './quiet.ts';
import { resetScan, scanLetters, scanUnit, startBehind, type Scan } from './scan.ts';
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
  const scan = startBehind(beforeText, words);
  let before = beforeText;
  let isCut = beforeText !== '';
  let held = '';

  function push(text: string): readonly Segment[] {
    const segments: Segment[] = [];
    for (const piece of piecesOf(text)) read(piece, segments);
    return segments;
  }

  function read(piece: string, segments: Segment[]): void {
    let rest = piece;
    // In the rest: where the open segment begins, and the quiet ones right before it.
    let from = 0;
    let quietFrom = 0;

    function giveQuiet(to: number): void {
      if (to > quietFrom) {
        const text = rest.slice(quietFrom, to);
        segments.push(quietOf(text));
        before = lastOf(before, text, contextBefore);
      }
      quietFrom = to;
    }

    for (let at = 0; at < rest.length; at += 1) {
      if (held === '' && !isCut && isIdle(scan)) {
        at = skipQuiet(rest, at, words);
        from = at;
      }
      at = scanLetters(scan, rest, at, words);
      if (at === rest.length) break;
      const isClosed = scanUnit(scan, rest.charCodeAt(at), words);
      if (!isClosed && scan.size < sizeMaxOf(scan)) continue;
      if (isClosed && held === '' && isQuiet()) {
        resetScan(scan, false);
        from = at + 1;
        continue;
      }
      giveQuiet(from);
      const open = held + rest.slice(from, at + 1);
      const size = isClosed ? open.length : cutOf(open, scan);
      const whole =
        isClosed && held === '' ? wholeOf(rest, from - before.length, at + 1) : undefined;
      segments.push(close(open.slice(0, size), !isClosed, whole));
      held = '';
      if (size < open.length) {
        rest = open.slice(size) + rest.slice(at + 1);
        at = -1;
      }
      from = at + 1;
      quietFrom = from;
    }
    giveQuiet(from);
    held += rest.slice(from);
  }

  function close(text: string, isForced: boolean, whole = before + text): Segment {
    const [keyPart, hasWord] = [keyPartOf(scan, text.length), scan.hasWord || isCut];
    const segment = { text, whole, isCut, isQuiet: isQuiet(), hasWord, keyPart };
    before = lastOf(before, text, isForced ? overlap : contextBefore);
    isCut = isForced;
    resetScan(scan, isForced && scan.block !== 'none');
    return segment;
  }

  // What follows a cut is looked at together with what stands before it.
  const isQuiet = (): boolean => !scan.isSensitive && !isCut;

  function finish(isBroken: boolean): readonly Segment[] {
    const text = held;
    held = '';
    // What is broken off may have been about to become an address or a key, unless a sentence ends there.
    const isKept = !isBroken || (isQuiet() && /[.!?]$/.test(text));
    return isKept && text !== '' ? [close(text, false)] : [];
  }

  return { push, end: () => finish(false), abort: () => finish(true), held: () => held.length };
}

/** Nothing is copied where all of it stands in one piece. */
function wholeOf(piece: string, from: number, to: number): string | undefined {
  return from >= 0 ? piece.slice(from, to) : undefined;
}

/** A forced cut copies what is left of a piece, so no piece is long. */
function piecesOf(text: string): readonly string[] {
  if (text.length <= pieceMax) return [text];
  return Array.from({ length: Math.ceil(text.length / pieceMax) }, (_, index) =>
    text.slice(index * pieceMax, (index + 1) * pieceMax),
  );
}

/** At the start of a segment, with nothing to wait for. */
function isIdle({ size, isTail, block, wordsToWait, openUntil }: Scan): boolean {
  return size === 0 && !isTail && block === 'none' && wordsToWait === 0 && openUntil === 0;
}

function quietOf(text: string): Segment {
  return {
    text,
    whole: text,
    isCut: false,
    isQuiet: true,
    hasWord: false,
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

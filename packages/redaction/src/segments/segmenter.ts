import { commonWords, type ContextWord } from './context-words.ts';
import {
  createWords,
  rebase,
  resetScan,
  scanUnit,
  startScan,
  type Scan,
  type Words,
} from './scan.ts';
import { isHighSurrogate } from './unit-classes.ts';

/** A stretch of the text that is looked at as a whole. */
export interface Segment {
  readonly text: string;
  /** What stood before it where the text had to be cut; looked at with it, but already given out. */
  readonly before: string;
  /** It has no digit, no `@`, no `://` and none of the words: nothing that needs one of them is in it. */
  readonly isQuiet: boolean;
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

/** Makes segmenters that know the same words; `before` is no part of the text, such as the key of a value. */
export function createSegmenters(words: readonly ContextWord[]): (before: string) => Segmenter {
  const table = createWords([...commonWords, ...words]);
  return (before) => createSegmenter(table, before);
}

function createSegmenter(words: Words, beforeText: string): Segmenter {
  const scan = startScan();
  for (let at = 0; at < beforeText.length; at += 1)
    scanUnit(scan, beforeText.charCodeAt(at), words);
  rebase(scan);
  let before = beforeText;
  let held = '';

  function push(text: string): readonly Segment[] {
    const segments: Segment[] = [];
    // In pieces, because a forced cut copies what is left of the piece.
    for (let at = 0; at < text.length; at += pieceMax) {
      read(text.slice(at, at + pieceMax), segments);
    }
    return segments;
  }

  function read(piece: string, segments: Segment[]): void {
    let rest = piece;
    // In the rest: where the open segment begins, and the quiet ones right before it.
    let from = 0;
    let quietFrom = 0;

    function giveQuiet(to: number): void {
      if (to > quietFrom) segments.push(quiet(rest.slice(quietFrom, to)));
      quietFrom = to;
    }

    for (let at = 0; at < rest.length; at += 1) {
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
      segments.push(close(open.slice(0, size), !isClosed));
      held = '';
      if (size === open.length) {
        from = at + 1;
      } else {
        rest = open.slice(size) + rest.slice(at + 1);
        from = 0;
        at = -1;
      }
      quietFrom = from;
    }
    giveQuiet(from);
    held += rest.slice(from);
  }

  function close(text: string, isForced: boolean): Segment {
    const segment = { text, before, isQuiet: isQuiet(), keyPart: keyPartOf(scan, text.length) };
    before = isForced ? (before + text).slice(-overlap) : '';
    resetScan(scan, isForced && scan.block !== 'none');
    return segment;
  }

  // What follows a cut is looked at together with what stands before it.
  function isQuiet(): boolean {
    return !scan.isSensitive && before === '';
  }

  function end(): readonly Segment[] {
    const text = held;
    held = '';
    return text === '' ? [] : [close(text, false)];
  }

  function abort(): readonly Segment[] {
    // Any other word may have been about to become an address or a key.
    if (isQuiet() && /[.!?]$/.test(held)) return end();
    held = '';
    return [];
  }

  return { push, end, abort, held: () => held.length };
}

function quiet(text: string): Segment {
  return { text, before: '', isQuiet: true, keyPart: undefined };
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

import type { RedactionStyles, StepRedactor } from '@modelhost/kernel';

/** A part of a longer text, such as a result that was cut or a piece that was read on. */
export interface Piece {
  /** What stands right before it in the whole, or the end of that. */
  readonly before: string;
  readonly text: string;
  /** More of the whole follows. */
  readonly isCut: boolean;
}

/** Of what stands before a piece: more than anything is held back for, a private key included. */
export const bytesBefore = 20_480;

/** In the last line of a result whose rest is kept: how to read on. It is no part of the text. */
const note = /\n\[[^\n]*result:\/\/[A-Za-z0-9-]+[^\n]*\]$/;

/**
 * A piece as the model may see it: no value gets through in two halves. What may be the beginning of one is left out at the end
 * of a piece, and stands at the beginning of the next, where it can be judged.
 */
export function hideInPiece(
  { before, text, isCut }: Piece,
  redactor: StepRedactor,
  {
    styles,
    change,
  }: { readonly styles: RedactionStyles; readonly change: (text: string) => string },
): string {
  if (!redactor.hides(styles)) return change(text);
  const at = isCut ? (note.exec(text)?.index ?? text.length) : text.length;
  const whole = redactor.stream(styles);
  const given = before + text.slice(0, at);
  const pushed = whole.push(change(isCut ? withoutLastWord(given) : given));
  const shown = pushed + (isCut ? whole.abort() : whole.end());
  const last = redactor.redact(text.slice(at), styles);
  if (before === '') return shown + last;
  // As the piece before it was shown, as far as that goes.
  const earlier = redactor.stream(styles);
  const shownBefore = earlier.push(change(withoutLastWord(before))) + earlier.abort();
  return shown.slice(sharedLength(shownBefore, shown)) + last;
}

/** A name before an address, at its longest. */
const wordLengthMax = 64;

/** What is cut within a word may be cut right where that looks like the end of one, as after the dot in `a.b@c.d`. */
function withoutLastWord(text: string): string {
  const least = Math.max(0, text.length - wordLengthMax);
  let end = text.length;
  while (end > least && !/\s/.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** How much of the beginning two texts share, in whole characters. */
function sharedLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one.charCodeAt(length) === other.charCodeAt(length)) length += 1;
  const isWithinPair = /[\uD800-\uDBFF]$/.test(one.slice(0, length));
  return isWithinPair ? length - 1 : length;
}

/**
 * What stands before a piece, from an earlier piece of the same text that reaches into it. Both are given as their bytes are cut, so
 * where they meet is looked for.
 */
export function textBefore(earlier: string, text: string, bytes: number): string {
  const encoded = Buffer.from(earlier);
  const beginning = Buffer.from(text).subarray(0, 64);
  // A piece that would begin within a character begins with it, up to three bytes earlier; each of the two can.
  for (const shift of [0, 1, -1, 2, -2, 3, -3]) {
    const length = Math.max(0, bytes + shift);
    if (encoded.subarray(length, length + beginning.length).equals(beginning)) {
      return encoded.subarray(0, length).toString();
    }
  }
  return '';
}

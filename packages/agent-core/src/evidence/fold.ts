// Format characters (zero-width, bidirectional, soft hyphen, tags) and fillers that are drawn as nothing.
const invisible =
  /\p{Cf}|\p{Variation_Selector}|\u034F|\u115F|\u1160|\u17B4|\u17B5|\u3164|\uFFA0/gu;
const control = /\p{Cc}/u;

/**
 * Whether the text is not what it looks like: it has characters that nobody sees, that only look like others, or that
 * control (a line end in a name reads like a space).
 */
export function isDisguised(text: string): boolean {
  return (
    control.test(text) ||
    text.search(invisible) >= 0 ||
    text.normalize('NFKC') !== text.normalize('NFC')
  );
}

/** One spelling for all that look the same: compatible characters, case and white space folded, invisible ones left out. */
export function fold(text: string): string {
  return foldAllButCase(text).toLowerCase();
}

/** The same, with the letters as they were written. */
export function foldAllButCase(text: string): string {
  return text.normalize('NFKC').replace(invisible, '').replace(/\s+/gu, ' ').trim();
}

/** A text folded but for its case. */
export interface FoldedText {
  readonly cased: string;
  /** The same, with a line end for each white space that holds one. */
  readonly lined: string;
  /** Something of it was past the bound. */
  readonly isCut: boolean;
}

const pieceUnits = 4096;

/**
 * The same for a text that somebody could have made to cost: the bound is on what comes out, as one sign can become
 * eighteen.
 */
export function foldWithin(text: string, unitsMax: number): FoldedText {
  const pieces: string[] = [];
  let units = 0;
  let at = 0;
  while (at < text.length && units < unitsMax) {
    let end = Math.min(text.length, at + pieceUnits);
    // A sign of two units stays in one piece.
    if (/[\uD800-\uDBFF]/.test(text[end - 1] ?? '')) end += 1;
    const piece = text.slice(at, end).normalize('NFKC');
    pieces.push(piece);
    units += piece.length;
    at = end;
  }
  const joined = pieces.join('').slice(0, unitsMax).normalize('NFC').replace(invisible, '');
  const lined = joined
    .replace(/\s+/gu, (space) => (/[\n\r\u2028\u2029]/.test(space) ? '\n' : ' '))
    .trim();
  return {
    cased: lined.replaceAll('\n', ' '),
    lined,
    isCut: units > unitsMax || at < text.length,
  };
}

/** Of any letters, this is less than half of what a store takes at once. */
const pieceLengthMax = 1024 * 1024;

/** What goes on from the piece before. The text of a frame itself begins with a brace. */
const goesOn = '+';

/** The text of a frame as the texts of entries, which are written at once: a long one is cut. */
export function cutFrame(text: string): readonly string[] {
  return cutText(text).map((piece, index) => (index === 0 ? piece : `${goesOn}${piece}`));
}

/** A text in pieces of which a store takes each, and which are the text again one after the other. */
export function cutText(text: string): readonly string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = endOfPiece(text, start);
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

/** Not between the two halves of one letter: neither half can be written alone. */
function endOfPiece(text: string, start: number): number {
  const end = start + pieceLengthMax;
  return (text.codePointAt(end - 1) ?? 0) > 0xffff ? end + 1 : end;
}

/** The texts of frames, from those of all entries. */
export function joinTexts(pieces: readonly string[]): readonly string[] {
  const texts: string[] = [];
  for (const piece of pieces) {
    if (piece.startsWith(goesOn)) texts.push(`${texts.pop() ?? ''}${piece.slice(goesOn.length)}`);
    else texts.push(piece);
  }
  return texts;
}

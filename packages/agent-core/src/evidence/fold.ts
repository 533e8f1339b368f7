/** A text that values are looked for in, with the spellings folded that mean the same. */
export interface FoldedText {
  /** Where it stands, such as `prompt` or `turn-1/tool-2`. */
  readonly source: string;
  readonly folded: string;
}

// Format characters (zero-width, bidirectional, soft hyphen, tags) and fillers that are drawn as nothing.
const invisible =
  /\p{Cf}|\p{Variation_Selector}|\u034F|\u115F|\u1160|\u17B4|\u17B5|\u3164|\uFFA0/gu;

/** Whether the text has characters that nobody sees: then it is not what it looks like. */
export function hasInvisible(text: string): boolean {
  return text.search(invisible) >= 0;
}

/** One spelling for all that look the same: compatible characters, case and white space folded, invisible ones left out. */
export function fold(text: string): string {
  const plain = text.normalize('NFKC').replace(invisible, '').toLowerCase();
  return plain.replace(/\s+/gu, ' ').trim();
}

/** The same for what a person wrote, who forgets the space after a full stop: `see a.com.They` names `a.com`. */
export function foldPrompt(text: string): string {
  return fold(text.normalize('NFKC').replace(/(?<=[\p{Ll}\p{N}])\.(?=\p{Lu}\p{Ll})/gu, '. '));
}

/**
 * The places where `word` stands as a whole word, at most `placesMax`. Both are folded. Linear in the text whatever either of
 * them holds (Knuth, Morris and Pratt), as both may come from somebody who wants it to be slow.
 */
export function placesOf(word: string, text: string, placesMax: number): readonly number[] {
  const places: number[] = [];
  if (word.length === 0 || word.length > text.length) return places;
  const retreats = retreatsOf(word);
  let matched = 0;
  for (let at = 0; at < text.length && places.length < placesMax; at += 1) {
    while (matched > 0 && text[at] !== word[matched]) matched = retreats[matched - 1] ?? 0;
    if (text[at] === word[matched]) matched += 1;
    if (matched < word.length) continue;
    const start = at + 1 - word.length;
    if (isWholeWord(text, start, at + 1)) places.push(start);
    matched = retreats[matched - 1] ?? 0;
  }
  return places;
}

/** Whether `word` stands in the text as a whole word. */
export function hasWord(word: string, text: string): boolean {
  return placesOf(word, text, 1).length > 0;
}

function retreatsOf(word: string): readonly number[] {
  const retreats = [0];
  let matched = 0;
  for (let at = 1; at < word.length; at += 1) {
    while (matched > 0 && word[at] !== word[matched]) matched = retreats[matched - 1] ?? 0;
    if (word[at] === word[matched]) matched += 1;
    retreats.push(matched);
  }
  return retreats;
}

// What goes before or after a word and makes it part of a longer name: `bob` is not in `bob@x.org`, `x.org` not in `x.org.uk`.
const joinsBefore = /[\p{L}\p{N}\p{M}_@./-]$/u;
const joinsAfter = /^(?:[\p{L}\p{N}\p{M}_@-]|[./:][\p{L}\p{N}_])/u;

function isWholeWord(text: string, start: number, end: number): boolean {
  // Two units hold a character outside the basic plane.
  const before = text.slice(Math.max(0, start - 2), start);
  return !joinsBefore.test(before) && !joinsAfter.test(text.slice(end, end + 4));
}

import { foldAllButCase } from './fold.ts';
import { createSearchable } from './searchable.ts';
import type { SearchableText } from './searchable.ts';

/** What the user wrote. */
export interface PromptText extends SearchableText {
  /** Where he wrote the word, folded, as the name of something, and not in passing. */
  placesOfName(word: string): readonly number[];
}

const plainWords = /^[\p{L}\p{M} ]+$/u;
const opening = /["'“”‘’„«»‹›\x60(]$/u;
const closing = /^["'“”‘’«»‹›\x60)]/u;
const sentenceEnd = /(?:^|[.!?])["'“”‘’„«»‹›\x60( ]*$/u;
/** How far before a word it is seen whether a sentence begins with it. */
const reach = 8;

/**
 * Makes what the user wrote searchable. He forgets the space after a full stop: `see a.com.They` names `a.com`. What holds
 * anything but letters (an address, a number, a file) is a name wherever it stands; what is made of letters alone is one
 * in quotes or with a capital that no sentence asks for. Otherwise any word of his would do, such as for a new password.
 */
export function createPromptText(text: string): PromptText {
  const spaced = text.normalize('NFKC').replace(/(?<=[\p{Ll}\p{N}])\.(?=\p{Lu}\p{Ll})/gu, '. ');
  const cased = foldAllButCase(spaced);
  const folded = cased.toLowerCase();
  const searchable = createSearchable('prompt', folded);
  // A few letters change their length with their case; then nobody can say how a word was written.
  const isAligned = cased.length === folded.length;

  function isNameAt(start: number, end: number): boolean {
    const before = cased.slice(Math.max(0, start - reach), start);
    if (opening.test(before) && closing.test(cased.slice(end, end + 1))) return true;
    const [first = '', ...others] = cased.slice(start, end).split(' ');
    return others.some(isCapital) || (isCapital(first) && !sentenceEnd.test(before));
  }

  function placesOfName(word: string): readonly number[] {
    const places = searchable.placesOf(word);
    if (!plainWords.test(word)) return places;
    return isAligned ? places.filter((start) => isNameAt(start, start + word.length)) : [];
  }

  return { ...searchable, placesOfName };
}

function isCapital(word: string): boolean {
  return /^\p{Lu}/u.test(word);
}

import { foldWithin } from './fold.ts';
import { createSearchable, once } from './searchable.ts';
import type { SearchableText } from './searchable.ts';
import type { Word } from './word.ts';

/** What the user wrote. */
export interface PromptText extends SearchableText {
  /** Where he wrote the word as the name of something, and not in passing. */
  placesOfName(word: Word): readonly number[];
  /** Texts in quotes with gaps for something else: `Dinner at {restaurant}`. */
  forms(): readonly string[];
  /** It goes on past the bound. */
  readonly isCut: boolean;
}

/** What no plain word of a sentence has: a digit, an address, a path, a channel, the dot or the bar within a name. */
const telling = /[\p{N}\\]|[\p{L}\p{M}][._@][\p{L}\p{M}]|^[/#@]\p{L}|:\//u;
const opening = /(?<![\p{L}\p{N}\p{M}])["'“”‘’„«»‹›\x60]$/u;
const closing = /^["'“”‘’«»‹›\x60](?![\p{L}\p{N}\p{M}])/u;
/** Where a capital is asked for: after the end of a sentence or of a line, a colon, a bullet or a number before it. */
const sentenceStart = /(?:^|[.!?:…\n])["'“”‘’„«»‹›\x60(*#>•\s–—-]*(?:\p{N}{1,3}[.)]\s*)?$/u;
/** How far before a word it is seen whether a sentence begins with it. */
const reach = 12;
const formBounds = { forms: 16, promptLength: 16_384 } as const;
const form = /["'“‘](?<text>[^"'“”‘’{}]{0,200}\{[^"'“”‘’]{1,200})["'”’]/gu;

/**
 * Makes what the user wrote searchable. He forgets the space after a full stop: `see a.com.They` names `a.com`. A word that
 * holds a digit, an address or the dot of a file is a name wherever it stands; any other is one in quotes, or with a capital that no sentence asks for; several words are one if each of them is. Otherwise any words of his
 * would do, such as for a new password.
 */
export function createPromptText(text: string, unitsMax: number): PromptText {
  const { cased, lined, isCut } = foldWithin(spaceStops(text.slice(0, unitsMax)), unitsMax);
  const searchable = createSearchable('prompt', cased);
  const { folded } = searchable;
  const isAligned = cased.length === folded.length;
  // Who writes in capitals only says nothing with them.
  const hasCapitals = once(() => countOf(cased, /\p{Ll}/gu) >= countOf(cased, /\p{Lu}/gu));

  function isNameAt(start: number, end: number): boolean {
    const before = lined.slice(Math.max(0, start - reach), start);
    if (opening.test(before) && closing.test(cased.slice(end, end + 2))) return true;
    const words = cased.slice(start, end).split(' ');
    return words.every((word, at) => {
      if (telling.test(word)) return true;
      const isFirst = at === 0 && sentenceStart.test(before);
      return /^\p{Lu}/u.test(word) && hasCapitals() && !isFirst;
    });
  }

  return {
    ...searchable,
    placesOfName: (word) =>
      isAligned
        ? searchable.placesOf(word).filter((start) => isNameAt(start, start + word.folded.length))
        : [],
    forms: once(() =>
      folded.length > formBounds.promptLength
        ? []
        : [...folded.matchAll(form)]
            .slice(0, formBounds.forms)
            .map(({ groups }) => groups?.['text'] ?? ''),
    ),
    isCut: isCut || text.length > unitsMax,
  };
}

function spaceStops(text: string): string {
  return text.replace(/(?<=[\p{Ll}\p{N}])\.(?=\p{Lu}\p{Ll})/gu, '. ');
}

function countOf(text: string, sign: RegExp): number {
  return text.match(sign)?.length ?? 0;
}

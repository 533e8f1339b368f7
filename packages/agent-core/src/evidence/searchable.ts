import { addressesIn } from './addresses.ts';
import type { Address } from './addresses.ts';
import { mentionsIn } from './moments.ts';
import type { Mention } from './moments.ts';
import { numeralsIn } from './numbers.ts';
import type { Numeral } from './numbers.ts';

/** A folded text that many values are looked for in: each part of it is read once, and only if it is asked for. */
export interface SearchableText {
  /** Where it stands, such as `prompt` or `turn-1/tool-2`. */
  readonly source: string;
  readonly folded: string;
  /** Whether the word, folded and of at least three units, stands in it as a whole. */
  hasWord(word: string): boolean;
  /** Where it does. */
  placesOf(word: string): readonly number[];
  /** By what they are worth. */
  numerals(): ReadonlyMap<number, readonly Numeral[]>;
  mentions(): readonly Mention[];
  addresses(): readonly Address[];
}

// What goes before or after a word and makes it part of a longer name: `bob` is not in `bob@x.org`, `x.org` not in `x.org.uk`.
const begin = /(?<![\p{L}\p{N}\p{M}_@./-])\S/gu;
const joinsAfter = /^(?:[\p{L}\p{N}\p{M}_@-]|[./:][\p{L}\p{N}_])/u;
const keyLength = 3;
/** Beginnings that a word is compared with. Past them it is not found: somebody has made the text for it. */
const triesMax = 4096;

/** Makes a folded text searchable. */
export function createSearchable(source: string, folded: string): SearchableText {
  const begins = once(() => beginsIn(folded));

  function placesOf(word: string): readonly number[] {
    const starts = begins().get(word.slice(0, keyLength)) ?? [];
    return starts.filter((start) => isWordAt(word, start));
  }

  function hasWord(word: string): boolean {
    const starts = begins().get(word.slice(0, keyLength)) ?? [];
    return starts.some((start) => isWordAt(word, start));
  }

  function isWordAt(word: string, start: number): boolean {
    const end = start + word.length;
    // Compares whole memory, where startsWith goes from sign to sign.
    return folded.slice(start, end) === word && !joinsAfter.test(folded.slice(end, end + 4));
  }

  return {
    source,
    folded,
    hasWord,
    placesOf,
    numerals: once(() => Map.groupBy(numeralsIn(folded), ({ value }) => value)),
    mentions: once(() => mentionsIn(folded)),
    addresses: once(() => addressesIn(folded)),
  };
}

/** Where words begin, by their first units. */
function beginsIn(folded: string): ReadonlyMap<string, readonly number[]> {
  const begins = new Map<string, number[]>();
  for (const { index } of folded.matchAll(begin)) {
    const key = folded.slice(index, index + keyLength);
    const same = begins.get(key);
    if (same === undefined) begins.set(key, [index]);
    else if (same.length < triesMax) same.push(index);
  }
  return begins;
}

/** Does something when it is first asked for, and keeps what came of it. */
export function once<Value>(read: () => Value): () => Value {
  let kept: { readonly value: Value } | undefined;
  return () => {
    kept ??= { value: read() };
    return kept.value;
  };
}

import { addressesIn } from './addresses.ts';
import type { Address } from './addresses.ts';
import { mentionsIn } from './moments.ts';
import type { Mentions } from './moments.ts';
import { numeralsIn } from './numbers.ts';
import type { Numeral } from './numbers.ts';
import type { Word } from './word.ts';

/** A text that many values are looked for in: each part of it is read once, and only if it is asked for. */
export interface SearchableText {
  /** Where it stands, such as `prompt` or `turn-1/tool-2`. */
  readonly source: string;
  readonly folded: string;
  /** Whether the word, of at least three units, stands in it as a whole. */
  hasWord(word: Word): boolean;
  /** Where it does. */
  placesOf(word: Word): readonly number[];
  /** By what they are worth. */
  numerals(): ReadonlyMap<number, readonly Numeral[]>;
  mentions(): Mentions;
  addresses(): readonly Address[];
}

// What goes before or after a word and makes it part of a longer name: `bob` is not in `bob@x.org`, `x.org` not in `x.org.uk`.
const begin = /(?<![\p{L}\p{N}\p{M}_@./-])\S/gu;
const joinsAfter = /^(?:[\p{L}\p{N}\p{M}_@-]|[./:][\p{L}\p{N}_])/u;
// What a mailbox may have in it too: `brien@x.org` is not in `o'brien@x.org`, nor `eve@x.org` in `sales+eve@x.org`.
const joinsMailbox = /[+&%=]$|[\p{L}\p{N}\p{M}_.@-]['*!#$?^\x60{|}~/]+$/u;
const mailboxReach = 64;
const keyLength = 3;
/** Beginnings that a word is compared with. Past them it is not found: somebody has made the text for it. */
const triesMax = 4096;
/** Past so many beginnings that are the same, more units are compared at once. */
const fewTries = 64;
const longKeyLength = 12;
const addressesMax = 1024;

/** Makes a text searchable that is folded but for its case. */
export function createSearchable(source: string, cased: string): SearchableText {
  const folded = cased.toLowerCase();
  // A few letters change their length with their case; then nobody can say how a word was written.
  const isAligned = cased.length === folded.length;
  const begins = once(() => beginsIn(folded));
  /** The same by more units, where many begin alike. */
  const longBegins = new Map<string, ReadonlyMap<string, readonly number[]>>();

  function startsOf({ folded: word }: Word): readonly number[] {
    const key = word.slice(0, keyLength);
    const starts = begins().get(key) ?? [];
    if (starts.length <= fewTries) return starts;
    const length = Math.min(word.length, longKeyLength);
    const name = `${length} ${key}`;
    const longer =
      longBegins.get(name) ?? Map.groupBy(starts, (start) => folded.slice(start, start + length));
    longBegins.set(name, longer);
    return longer.get(word.slice(0, length)) ?? [];
  }

  function isWordAt(word: Word, start: number): boolean {
    const end = start + word.folded.length;
    // Compares whole memory, where startsWith goes from sign to sign.
    return (
      folded.slice(start, end) === word.folded &&
      !joinsAfter.test(folded.slice(end, end + 4)) &&
      isSameCase(word, start) &&
      !(word.folded.includes('@') && isInMailbox(start))
    );
  }

  function isSameCase({ cased: word, caseFrom }: Word, start: number): boolean {
    if (caseFrom >= word.length) return true;
    return isAligned && cased.slice(start + caseFrom, start + word.length) === word.slice(caseFrom);
  }

  function isInMailbox(start: number): boolean {
    return joinsMailbox.test(folded.slice(Math.max(0, start - mailboxReach), start));
  }

  return {
    source,
    folded,
    hasWord: (word) => startsOf(word).some((start) => isWordAt(word, start)),
    placesOf: (word) => startsOf(word).filter((start) => isWordAt(word, start)),
    numerals: once(() => Map.groupBy(numeralsIn(folded), ({ value }) => value)),
    mentions: once(() => mentionsIn(folded)),
    addresses: once(() => addressesIn(cased, addressesMax)),
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

import { foldAllButCase } from './fold.ts';

/** A value as it is looked for in texts. */
export interface Word {
  readonly folded: string;
  readonly cased: string;
  /** Place from which it has to be written with the same letters, capital or small. */
  readonly caseFrom: number;
}

const host = /^(?:[a-z][a-z0-9+.-]*:\/\/|www\.)[^/?#]*|^(?:[\p{L}\p{N}-]+\.)+\p{L}{2,24}(?=\/)/iu;

/**
 * Reads a value as a word. `AbCd9` and `aBcD9` are two ids, and two links to different places: with a digit or a slash its
 * case counts. In names, in a mailbox and in the host of a link it says nothing.
 */
export function readWord(value: string): Word {
  const cased = foldAllButCase(value);
  const folded = cased.toLowerCase();
  const hasCase = !cased.includes('@') && /[\p{N}/]/u.test(cased);
  const caseFrom = hasCase ? (host.exec(cased)?.[0].length ?? 0) : cased.length;
  return { folded, cased, caseFrom };
}

/** One text for all spellings of a value that mean the same. */
export function spellingOf({ cased, caseFrom }: Word): string {
  return `${cased.slice(0, caseFrom).toLowerCase()}${cased.slice(caseFrom)}`;
}

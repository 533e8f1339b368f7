import type { JsonObject } from '@modelhost/kernel';

/** A text without what is sensitive. */
export type HideText = (text: string) => string;

/** What every definition passes before it is looked at, pinned or offered. */
export type HideDefinition = (definition: JsonObject) => JsonObject;

/**
 * Hides what is sensitive in what servers say, always before anything of it is cut: nobody finds half of a value.
 */
export interface Hiding {
  /** What is pinned is what is seen, so it comes before both. */
  readonly definition: HideDefinition;
  /** Lines of a message, not more. */
  readonly text: HideText;
  /** A text of any length, for somebody of this tenant. Others are served meanwhile. */
  readonly long: (text: string, tenant: string) => Promise<string>;
}

/** Where nothing is to be hidden. */
export const nothingHidden: Pick<Hiding, 'text' | 'long'> = {
  text: (text) => text,
  long: async (text) => text,
};

const shownLengthMax = 300;
/** What is beyond it cannot come to be shown. */
const lookedAtLengthMax = 16_384;

/** What a server says, short enough for a message of ours. Half of a word at its end is left out. */
export function shortText(text: string, hide: HideText): string {
  return cutAtWord(hide(cutAtWord(text, lookedAtLengthMax)), shownLengthMax);
}

/** The same on one line, without hidden characters. */
export function shortLine(text: string, hide: HideText): string {
  const line = hide(cutAtWord(text, lookedAtLengthMax)).replace(/[\p{C}\p{Z}]+/gu, ' ');
  return cutAtWord(line, shownLengthMax);
}

/** A text of no more than `lengthMax`, which ends where a word does, also where that leaves hardly anything. */
export function cutAtWord(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  let end = lengthMax - 1;
  while (end > 0 && !isBorder(text.charAt(end - 1))) end -= 1;
  return `${text.slice(0, end)}…`;
}

/** Writings that have no spaces have no values either. */
function isBorder(character: string): boolean {
  return /[\s\u2e80-\ud7ff]/.test(character);
}

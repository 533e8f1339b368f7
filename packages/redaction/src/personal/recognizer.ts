/** How sure a form alone is. */
export type Certainty =
  /** The form, with its checks, is enough wherever it stands. */
  | 'certain'
  /** A word nearby has to say it, unless the value is all there is (a field of a form has no words). */
  | 'by-context'
  /** A word before it has to say it, always. */
  | 'by-word';

/** A form in which one kind of personal data is written. */
export interface Recognizer {
  readonly detector: string;
  readonly kind: string;
  /** Where the form can begin; the scanner tries it nowhere else. */
  readonly start: 'digit' | 'letter' | 'sign';
  /** Sticky; bounded in length. The value is the first capture, or else the whole match. */
  readonly form: RegExp;
  readonly certainty: Certainty;
  readonly context?: RegExp;
  /** Words that may stand behind the value instead. */
  readonly behind?: RegExp;
  /** Checksums, ranges, dates. */
  readonly check?: (value: string) => boolean;
  /** Of two that claim the same text the higher one names it. */
  readonly rank: number;
}

/** Words are looked for this far before and behind a value. */
export const contextBefore = 64;
export const contextBehind = 32;

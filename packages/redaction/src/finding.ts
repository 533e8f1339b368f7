/** One sensitive stretch of a text. Never holds the value itself. */
export interface Finding {
  /** The detector, or the single secret rule, that recognised the value. */
  readonly detector: string;
  /** What the value is, in capitals: EMAIL, CARD, SECRET and so on. */
  readonly kind: string;
  /** Offset of its first UTF-16 unit in the text as given, before any folding. */
  readonly start: number;
  /** Offset behind its last UTF-16 unit; never inside a surrogate pair. */
  readonly end: number;
}

/** A stretch of a text, named after what says most about it. */
export interface Detected extends Finding {
  /** What else claims some of the stretch, each name once: it is hidden as strictly as any of them asks. */
  readonly others: readonly Pick<Finding, 'detector' | 'kind'>[];
}

/** What was found, and whether everything was looked at. */
export interface Detection {
  /** In the order of the text; never empty stretches, never overlapping. */
  readonly findings: readonly Detected[];
  /** The work budget ran out: what was not looked at must be treated as sensitive, all of it. */
  readonly isExhausted: boolean;
}

/** How long to wait before the next try. */
export interface Backoff {
  /** Milliseconds before the next try; longer with each, up to the maximum. */
  next(): number;
  /** How many tries were asked for since the last success. */
  tries(): number;
  /** It worked: the next wait is the shortest again. */
  reset(): void;
}

/** The bounds of a backoff. */
export interface BackoffOptions {
  /** Before the second try. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** From 0 up to, without, 1. */
  readonly random: () => number;
}

/**
 * Doubles the wait with each try. The second half of each wait is left to chance, so that those who failed together
 * do not come back together, and no wait is ever shorter than half of its length.
 */
export function createBackoff({ firstMs, longestMs, random }: BackoffOptions): Backoff {
  let tries = 0;

  function next(): number {
    // Far beyond any wait; a larger power would leave the numbers.
    const doublings = Math.min(tries, 50);
    const lengthMs = Math.min(firstMs * 2 ** doublings, longestMs);
    tries += 1;
    return Math.ceil(lengthMs / 2 + (lengthMs / 2) * random());
  }

  return { next, tries: () => tries, reset: () => void (tries = 0) };
}

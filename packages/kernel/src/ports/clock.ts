/** Time, as a port: the loop, the engine and the simulator all go through it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls back once after `delayMs`; the returned function cancels and may be called at any time. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** Fresh identifiers, as a port. */
export interface Ids {
  /** A new id that is unique in practice: `prefix`, an underscore, 26 of `[0-9a-z]`. */
  create(prefix: string): string;
}

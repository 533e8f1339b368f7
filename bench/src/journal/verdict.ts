/** One limit, and whether what was measured keeps it. */
export interface Verdict {
  readonly isHeld: boolean;
  readonly text: string;
}

/** Says whether a limit holds. */
export function verdict(what: string, value: number, max: number): Verdict {
  const isHeld = value <= max;
  const text = `${isHeld ? 'held' : 'NOT HELD'}: ${what} ${value.toFixed(2)}, at most ${max.toFixed(2)}`;
  return { isHeld, text };
}

/** Sums what was added in the last so many milliseconds. */
export interface CallWindow {
  /** Adds at this time. */
  add(atMs: number, amount: number): void;
  /** What was added since `spanMs` ago, and up to one slot before that. */
  sum(nowMs: number): number;
}

interface Slot {
  readonly index: number;
  sum: number;
}

/** Keeps one number for each slot in which something was added, so at most `spanMs / slotMs + 1`. Time may stand still, but not go back. */
export function createCallWindow(spanMs: number, slotMs: number): CallWindow {
  const slots: Slot[] = [];
  let total = 0;

  function forget(nowMs: number): void {
    const oldest = Math.floor((nowMs - spanMs) / slotMs);
    while (slots[0] !== undefined && slots[0].index < oldest) {
      total -= slots[0].sum;
      slots.shift();
    }
  }

  return {
    add: (atMs, amount) => {
      const index = Math.floor(atMs / slotMs);
      const last = slots.at(-1);
      if (last?.index === index) last.sum += amount;
      else slots.push({ index, sum: amount });
      total += amount;
    },
    sum: (nowMs) => {
      forget(nowMs);
      return total;
    },
  };
}

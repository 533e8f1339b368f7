/** Those who want to hear of something. */
export interface Listeners<T> {
  /** Returns the way to stop. */
  add(listener: (told: T) => void): () => void;
  tell(told: T): void;
}

/** Who is added or stops while something is told hears of it at the latest the next time. */
export function createListeners<T>(): Listeners<T> {
  const listeners = new Set<(told: T) => void>();

  function add(listener: (told: T) => void): () => void {
    // Wrapped, so that one that is added twice stops one at a time.
    const entry = (told: T): void => listener(told);
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  function tell(told: T): void {
    for (const listener of [...listeners]) listener(told);
  }

  return { add, tell };
}

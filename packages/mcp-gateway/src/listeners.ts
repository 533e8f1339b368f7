/** Those who want to hear of something. */
export interface Listeners<T> {
  /** Returns the way to stop. */
  readonly add: (listener: (told: T) => void) => () => void;
  readonly tell: (told: T) => void;
}

/** Who stops while something is told hears no more of it. */
export function createListeners<T>(): Listeners<T> {
  const listeners = new Set<(told: T) => void>();

  function add(listener: (told: T) => void): () => void {
    // Wrapped, so that one that is added twice stops one at a time.
    const entry = (told: T): void => listener(told);
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  function tell(told: T): void {
    for (const listener of listeners) listener(told);
  }

  return { add, tell };
}

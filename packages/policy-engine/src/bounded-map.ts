/** A map that forgets what was used least recently when it is full. */
export interface BoundedMap<Value> {
  /** The value kept under the key, made now if there is none. What `make` throws is passed on, and nothing is kept. */
  getOrMake(key: string, make: () => Value): Value;
}

/** `entriesMax` is at least 1. */
export function createBoundedMap<Value extends object>(entriesMax: number): BoundedMap<Value> {
  // A map iterates in the order of insertion, so the first key is the one to forget.
  const entries = new Map<string, Value>();
  return {
    getOrMake: (key, make) => {
      const value = entries.get(key) ?? make();
      entries.delete(key);
      entries.set(key, value);
      const oldest = entries.size > entriesMax ? entries.keys().next().value : undefined;
      if (oldest !== undefined) entries.delete(oldest);
      return value;
    },
  };
}

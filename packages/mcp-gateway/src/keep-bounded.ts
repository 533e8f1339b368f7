/** Puts the value last, or takes the key out when there is none; past the bound the oldest goes. */
export function keepBounded<T>(
  map: Map<string, T>,
  entry: { readonly key: string; readonly value: T | undefined; readonly entriesMax: number },
): void {
  const { key, value, entriesMax } = entry;
  map.delete(key);
  if (value !== undefined) map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= entriesMax) return;
    map.delete(oldest);
  }
}

import type { Turn } from './run/rehearse.ts';

/** Sealing, opening, reading or writing so much as JSON takes a few milliseconds. */
const sliceBytesMax = 256 * 1024;

/** Maps one by one, and lets everybody else have a turn whenever that was about enough bytes by `sizeOf`. */
export async function mapInSlices<Item, Result>(
  items: Iterable<Item>,
  map: (item: Item, index: number) => Result,
  { sizeOf, turn }: { readonly sizeOf: (item: Item) => number; readonly turn: Turn },
): Promise<readonly Result[]> {
  const results: Result[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = sizeOf(item);
    if (bytes > 0 && bytes + size > sliceBytesMax) {
      await turn();
      bytes = 0;
    }
    bytes += size;
    results.push(map(item, results.length));
  }
  return results;
}

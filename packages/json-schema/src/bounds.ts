import type { Json } from '@modelhost/kernel';

/** Bounds of one schema. Text is counted in bytes of its canonical form. */
export const schemaBounds = { bytesMax: 65_536, depthMax: 32 } as const;

/** Bounds of one value, looked at before any keyword is. Text is counted in UTF-16 code units of keys and strings. */
export const valueBounds = { textMax: 1_048_576, depthMax: 32, nodesMax: 20_000 } as const;

/** How a value is too large, or undefined when it is within the bounds. */
export function describeExcess(
  value: Json,
  bounds: { readonly textMax: number; readonly depthMax: number; readonly nodesMax: number },
): string | undefined {
  let nodes = 0;
  let text = 0;

  function visit(item: Json, depth: number): string | undefined {
    nodes += 1;
    if (depth > bounds.depthMax) return `is nested deeper than ${bounds.depthMax} levels`;
    if (typeof item === 'string') text += item.length;
    if (nodes > bounds.nodesMax) return `has more than ${bounds.nodesMax} parts`;
    if (text > bounds.textMax) return `has more than ${bounds.textMax} characters of text`;
    if (typeof item !== 'object' || item === null) return undefined;
    for (const [key, member] of Object.entries(item)) {
      if (!Array.isArray(item)) text += key.length;
      const excess = visit(member, depth + 1);
      if (excess !== undefined) return excess;
    }
    return undefined;
  }

  return visit(value, 0);
}

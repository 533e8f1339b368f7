import { compare } from './listed-tools.ts';
import type { ListedTool } from './listed-tools.ts';
import type { ServerPins } from './pin-records.ts';
import { pinOf } from './pins.ts';

/**
 * The tools whose name differs from another one's only in case or form, with the reason that refuses them. Of such names
 * the one that was approved first stays, else the first in order: a new `Echo` never takes the place of `echo`.
 */
export function shadowedTools(
  tools: readonly ListedTool[],
  pins: ServerPins | undefined,
): ReadonlyMap<string, string> {
  const alike = Map.groupBy(tools, ({ serverTool }) =>
    serverTool.normalize('NFKC').toLowerCase().normalize('NFKC'),
  );
  const shadowed = new Map<string, string>();
  for (const [, group] of alike) {
    if (group.length === 1) continue;
    const [kept, ...others] = group.toSorted(
      (left, right) =>
        compareNumbers(approvedAt(pins, left), approvedAt(pins, right)) ||
        compare(left.serverTool, right.serverTool),
    );
    for (const { serverTool } of others) {
      shadowed.set(serverTool, `its name passes for that of ${kept?.serverTool ?? ''}`);
    }
  }
  return shadowed;
}

function approvedAt(pins: ServerPins | undefined, { serverTool }: ListedTool): number {
  return pinOf(pins, serverTool)?.approved?.atMs ?? Infinity;
}

/** Two that were never approved are equal, which a difference of infinities would not say. */
function compareNumbers(left: number, right: number): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

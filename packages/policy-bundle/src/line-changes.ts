/** What became of one line. Lines keep their end, so that a last line without one differs from one with it. */
export interface LineChange {
  readonly type: 'same' | 'removed' | 'added';
  readonly line: string;
}

/** Beyond it, all that lies between the first and the last difference is shown as replaced. */
const editsMax = 500;

/** The least lines to remove and add that make one text of the other, by Myers' algorithm (1986) up to a bound of work. */
export function compareLines(before: string, after: string): readonly LineChange[] {
  const [old, fresh] = [splitLines(before), splitLines(after)];
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head += 1;
  let tail = 0;
  while (
    tail < Math.min(old.length, fresh.length) - head &&
    old.at(-1 - tail) === fresh.at(-1 - tail)
  ) {
    tail += 1;
  }
  return [
    ...mark('same', old.slice(0, head)),
    ...compareMiddle(old.slice(head, old.length - tail), fresh.slice(head, fresh.length - tail)),
    ...mark('same', old.slice(old.length - tail)),
  ];
}

function splitLines(text: string): readonly string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

function mark(type: LineChange['type'], lines: readonly string[]): readonly LineChange[] {
  return lines.map((line) => ({ type, line }));
}

function compareMiddle(old: readonly string[], fresh: readonly string[]): readonly LineChange[] {
  const trace = findTrace(old, fresh);
  if (trace === undefined) return [...mark('removed', old), ...mark('added', fresh)];
  return walkBack(trace, old, fresh);
}

/**
 * For each number of edits, how far into the old lines each diagonal (old minus fresh place) gets; the last is the one that
 * reaches the end. Diagonal k stands at index k + edits + 1.
 */
function findTrace(
  old: readonly string[],
  fresh: readonly string[],
): readonly (readonly number[])[] | undefined {
  const trace: (readonly number[])[] = [];
  let previous: readonly number[] = [0, 0, 0];
  for (let edits = 0; edits <= editsMax; edits += 1) {
    const reached: number[] = Array.from({ length: 2 * edits + 3 }, () => -1);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = edits === 0 ? 0 : stepFrom(previous, edits - 1, diagonal).x;
      while (x < old.length && x - diagonal < fresh.length && old[x] === fresh[x - diagonal])
        x += 1;
      reached[diagonal + edits + 1] = x;
      if (x >= old.length && x - diagonal >= fresh.length) return [...trace, reached];
    }
    trace.push(reached);
    previous = reached;
  }
  return undefined;
}

/** How a diagonal is best come to from those of one edit less: down adds a line, right removes one. */
function stepFrom(
  previous: readonly number[],
  edits: number,
  diagonal: number,
): { readonly x: number; readonly from: number } {
  const middle = edits + 1;
  const below = previous[diagonal + 1 + middle] ?? -1;
  const left = previous[diagonal - 1 + middle] ?? -1;
  const isDown = diagonal === -(edits + 1) || (diagonal !== edits + 1 && left < below);
  return isDown ? { x: below, from: diagonal + 1 } : { x: left + 1, from: diagonal - 1 };
}

function walkBack(
  trace: readonly (readonly number[])[],
  old: readonly string[],
  fresh: readonly string[],
): readonly LineChange[] {
  const changes: LineChange[] = [];
  let x = old.length;
  let diagonal = old.length - fresh.length;
  for (let edits = trace.length - 1; edits >= 0; edits -= 1) {
    const step =
      edits === 0 ? { x: 0, from: 0 } : stepFrom(trace[edits - 1] ?? [], edits - 1, diagonal);
    for (; x > step.x; x -= 1) changes.push({ type: 'same', line: old[x - 1] ?? '' });
    if (edits === 0) break;
    const isAdded = step.from > diagonal;
    const line = isAdded ? fresh[x - diagonal - 1] : old[x - 1];
    changes.push({ type: isAdded ? 'added' : 'removed', line: line ?? '' });
    x -= isAdded ? 0 : 1;
    diagonal = step.from;
  }
  return changes.reverse();
}

import { canonicalJson, isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { showHidden } from '@modelhost/shown-text';
import { compare, digestOf } from './listed-tools.ts';

const linesMax = 20_000;
const comparedLinesMax = 300;
const lineLengthMax = 160;
const shownLinesMax = 60;
const contextLines = 1;

/** Names of the members in which two definitions differ, sorted. */
export function changedMembers(before: JsonObject, after: JsonObject): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => textOf(before, name) !== textOf(after, name)).sort(compare);
}

/**
 * What differs between two definitions, for a person: lines that begin with `-`, `+` or, for what surrounds them, a
 * blank. At most 60 lines; the last one then tells how many more there are. Hidden characters are written out.
 */
export function diffDefinitions(before: JsonObject | undefined, after: JsonObject): string {
  const [left, right] = withoutCommonEnds(
    before === undefined ? [] : linesOf(before),
    linesOf(after),
  );
  const lines = nearChanges(
    diffLines(left.slice(0, comparedLinesMax), right.slice(0, comparedLinesMax)),
  );
  const uncompared = Math.max(0, left.length - comparedLinesMax, right.length - comparedLinesMax);
  const rest = Math.max(0, lines.length - shownLinesMax) + uncompared;
  const note = rest > 0 ? [`… ${rest} more lines`] : [];
  const shown = [...lines.slice(0, shownLinesMax), ...note];
  // A hidden character and its written form are the same line.
  if (shown.length === 0 && before !== undefined && digestOf(before) !== digestOf(after)) {
    return '… what differs looks the same';
  }
  return shown.join('\n');
}

function textOf(value: JsonObject, name: string): string | undefined {
  const member = Object.hasOwn(value, name) ? value[name] : undefined;
  return member === undefined ? undefined : canonicalJson(member);
}

/** A line for each value, with the path to it; a text has one for each of its lines and sentences. */
function linesOf(definition: JsonObject): readonly string[] {
  const lines: string[] = [];

  function visit(path: string, value: Json): void {
    if (lines.length >= linesMax) return;
    if (typeof value === 'string') {
      for (const piece of piecesOf(value)) lines.push(`${path}: ${piece}`);
    } else if (Array.isArray(value) || isJsonObject(value)) {
      const entries = Object.entries(value).sort(([one], [other]) =>
        Array.isArray(value) ? 0 : compare(one, other),
      );
      if (entries.length === 0) lines.push(`${path}: ${Array.isArray(value) ? '[]' : '{}'}`);
      for (const [name, member] of entries) {
        visit(path === '' ? shorten(name) : `${path}.${shorten(name)}`, member);
      }
    } else {
      lines.push(`${path}: ${JSON.stringify(value)}`);
    }
  }

  visit('', definition);
  return lines.slice(0, linesMax);
}

function shorten(name: string): string {
  return showHidden(name.slice(0, lineLengthMax)).replace(/\s/g, ' ');
}

/** Cut at line ends and behind sentences, so that a change within a long text shows where it is. */
function piecesOf(text: string): readonly string[] {
  const pieces: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const isEnd = text[at] === '\n' || (text[at] === ' ' && '.!?'.includes(text[at - 1] ?? ' '));
    if (!isEnd && at - from < lineLengthMax) continue;
    pieces.push(text.slice(from, at + 1));
    from = at + 1;
  }
  if (from < text.length || pieces.length === 0) pieces.push(text.slice(from));
  return pieces.map((piece) => showHidden(piece.endsWith('\n') ? piece.slice(0, -1) : piece));
}

/** Without what both begin and end with, but for the lines beside the change. */
function withoutCommonEnds(
  left: readonly string[],
  right: readonly string[],
): readonly [readonly string[], readonly string[]] {
  const shorter = Math.min(left.length, right.length);
  let start = 0;
  while (start < shorter && left[start] === right[start]) start += 1;
  let end = 0;
  while (end < shorter - start && left.at(-1 - end) === right.at(-1 - end)) end += 1;
  const from = Math.max(0, start - contextLines);
  const tail = Math.max(0, end - contextLines);
  return [left.slice(from, left.length - tail), right.slice(from, right.length - tail)];
}

/** By the longest common subsequence. */
function diffLines(left: readonly string[], right: readonly string[]): readonly string[] {
  const common = commonLengths(left, right);
  const lines: string[] = [];
  let row = 0;
  let column = 0;
  while (row < left.length || column < right.length) {
    const [one, other] = [left[row], right[column]];
    const isRemoved = other === undefined || common(row + 1, column) >= common(row, column + 1);
    if (one !== undefined && one === other) {
      lines.push(` ${one}`);
      row += 1;
      column += 1;
    } else if (one !== undefined && isRemoved) {
      lines.push(`-${one}`);
      row += 1;
    } else {
      lines.push(`+${other ?? ''}`);
      column += 1;
    }
  }
  return lines;
}

/** How many lines are common from a pair of places on. */
function commonLengths(
  left: readonly string[],
  right: readonly string[],
): (row: number, column: number) => number {
  const width = right.length + 1;
  const lengths = new Uint16Array((left.length + 1) * width);
  const common = (row: number, column: number): number => lengths[row * width + column] ?? 0;
  for (let row = left.length - 1; row >= 0; row -= 1) {
    for (let column = right.length - 1; column >= 0; column -= 1) {
      lengths[row * width + column] =
        left[row] === right[column]
          ? common(row + 1, column + 1) + 1
          : Math.max(common(row + 1, column), common(row, column + 1));
    }
  }
  return common;
}

/** Only the lines that changed and those right beside them. */
function nearChanges(lines: readonly string[]): readonly string[] {
  const near = new Set<number>();
  for (const [index, line] of lines.entries()) {
    if (line.startsWith(' ')) continue;
    for (let beside = index - contextLines; beside <= index + contextLines; beside += 1) {
      near.add(beside);
    }
  }
  return lines.filter((_, index) => near.has(index));
}

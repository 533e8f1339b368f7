import type { RunEvent } from '@modelhost/contracts';
import type { Paint } from '../text/paint.ts';
import { diffLines } from './line-diff.ts';
import type { DiffLine } from './line-diff.ts';
import { toRunLines } from './run-lines.ts';

/** What two runs differ in, part by part. */
export interface RunDifference {
  readonly part: 'steps' | 'answer' | 'ending';
  readonly isSame: boolean;
  /** Every line of the part, also where nothing differs. */
  readonly lines: readonly DiffLine[];
}

/** Compares what two runs did, said and cost, and not when or under which ids. */
export function compareRuns(
  old: readonly RunEvent[],
  now: readonly RunEvent[],
): readonly RunDifference[] {
  const [one, other] = [toRunLines(old), toRunLines(now)];
  return (['steps', 'answer', 'ending'] as const).map((part) => {
    const lines = diffLines(one[part], other[part]);
    return { part, lines, isSame: lines.every(({ sign }) => sign === ' ') };
  });
}

/** The same for people: a part that does not differ is only named. */
export function renderRunDiff(parts: readonly RunDifference[], paint: Paint): string {
  return parts
    .map(({ part, lines, isSame }) =>
      isSame
        ? `${paint.bold(part)}: the same\n`
        : `${paint.bold(part)}\n${lines.map((line) => renderLine(line, paint)).join('')}`,
    )
    .join('');
}

function renderLine({ sign, text }: DiffLine, paint: Paint): string {
  const line = `${sign} ${text}`;
  switch (sign) {
    case '-':
      return `${paint.red(line)}\n`;
    case '+':
      return `${paint.green(line)}\n`;
    case ' ':
      return `${paint.dim(line)}\n`;
  }
}

import type { RunEvent } from '@modelhost/contracts';
import type { Paint } from '../paint.ts';
import { diffLines } from './line-diff.ts';
import type { DiffLine } from './line-diff.ts';
import { toRunLines } from './run-lines.ts';

/** What two runs differ in: steps and calls, answer, ending and cost. Says so where they do not. */
export function renderRunDiff(
  old: readonly RunEvent[],
  now: readonly RunEvent[],
  paint: Paint,
): string {
  const [one, other] = [toRunLines(old), toRunLines(now)];
  const parts = (['steps', 'answer', 'ending'] as const).map((part) => {
    const lines = diffLines(one[part], other[part]);
    return { part, lines, isSame: lines.every(({ sign }) => sign === ' ') };
  });
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

import type { ToolPin } from '@modelhost/contracts';
import { ToolPinState } from '@modelhost/contracts';
import type { Paint } from './paint.ts';
import { toLine, toPrintable } from './printable.ts';

/** Where the definition of a tool stands, in a word. */
export function pinStateName({ state }: ToolPin): string {
  return stateNames[state] ?? 'unknown';
}

/** Whether a definition waits for somebody to approve it. */
export function isPending({ state }: ToolPin): boolean {
  return state === ToolPinState.NEW || state === ToolPinState.QUARANTINED;
}

/** A pin whole, for a person to decide on: nothing of the difference is left out. Ends with a line feed. */
export function renderPin(pin: ToolPin, paint: Paint): string {
  const { name, digest, approvedBy, changed, diff, warnings, problem } = pin;
  return [
    `${paint.bold(toLine(name, 64))} ${pinStateName(pin)} ${paint.dim(digest)}\n`,
    ...(approvedBy === '' ? [] : [`  approved by ${toLine(approvedBy, 128)}\n`]),
    ...(changed.length === 0 ? [] : [`  changed: ${toLine(changed.join(', '), 200)}\n`]),
    ...warnings.map((warning) => `  ${paint.yellow('warning')} ${toLine(warning, 400)}\n`),
    ...(problem === '' ? [] : [`  ${paint.red('problem')} ${toLine(problem, 400)}\n`]),
    ...(diff === '' ? [] : diff.split('\n').map((line) => `    ${renderDiffLine(line, paint)}\n`)),
  ].join('');
}

function renderDiffLine(line: string, paint: Paint): string {
  const shown = toPrintable(line);
  if (line.startsWith('+')) return paint.green(shown);
  return line.startsWith('-') ? paint.red(shown) : shown;
}

// A newer host may send values that are not in this table.
const stateNames: Readonly<Record<number, string>> = {
  [ToolPinState.NEW]: 'new',
  [ToolPinState.QUARANTINED]: 'quarantined',
  [ToolPinState.APPROVED]: 'approved',
  [ToolPinState.GONE]: 'gone',
};

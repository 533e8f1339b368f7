import type { PolicyProblem } from '@modelhost/policy-engine';
import type { Paint } from '../text/paint.ts';
import { toPrintable } from '../text/printable.ts';
import { count } from '../text/quantities.ts';

/** A line for each problem, as compilers write them: place, severity, what is wrong, what to do. */
export function renderProblems(problems: readonly PolicyProblem[], paint: Paint): string {
  return problems
    .map(({ file, line, column, severity, message, remedy }) => {
      const place = line === 0 ? file : `${file}:${line}:${column}`;
      const mark = severity === 'error' ? paint.red('error') : paint.yellow('warning');
      const what = remedy === '' ? message : `${message}; ${remedy}`;
      return `${toPrintable(place)}: ${mark}: ${toPrintable(what)}\n`;
    })
    .join('');
}

/** Whether the rules cannot be used. */
export function hasErrors(problems: readonly PolicyProblem[]): boolean {
  return problems.some(({ severity }) => severity === 'error');
}

/** `2 errors, 1 warning`. */
export function countProblems(problems: readonly PolicyProblem[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  return [count(errors, 'error'), count(problems.length - errors, 'warning')].join(', ');
}

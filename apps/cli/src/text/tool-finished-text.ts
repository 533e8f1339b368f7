import { ToolOutcome } from '@modelhost/contracts';
import type { ToolFinished } from '@modelhost/contracts';
import { listLabels } from './obligations-text.ts';
import type { Paint } from './paint.ts';
import { toLine } from './printable.ts';
import { formatDuration } from './quantities.ts';

const contentLengthMax = 160;

/** A call that ended, and what came of it. `about` reminds of its arguments. */
export function renderToolFinished(finished: ToolFinished, paint: Paint, about = ''): string {
  const { tool, outcome, content, duration, error } = finished;
  const name = `${toLine(tool, 64)} ${paint.dim(about)}`.trimEnd();
  const took = duration === undefined ? '' : ` ${paint.dim(formatDuration(duration))}`;
  const text = toLine(content, contentLengthMax);
  const marks = renderMarks(finished, paint);
  const result = text === '' ? '' : `      ${paint.dim(text)}\n`;
  const reason = reasonOf(error) ?? text;
  switch (outcome) {
    case ToolOutcome.OK:
      return `  ${paint.green('←')} ${name}${took}${marks}\n${result}`;
    case ToolOutcome.TOOL_ERROR:
      return `  ${paint.red('←')} ${name}${took} failed${marks}\n${result}`;
    case ToolOutcome.WITHHELD:
      return `  ${paint.red('←')} ${name}${took} answered, and policy keeps it from the model: ${reason}\n`;
    case ToolOutcome.DENIED:
      return `  ${paint.red('←')} ${name} did not run; the model was told why\n`;
    case ToolOutcome.INVALID_ARGUMENTS:
      return `  ${paint.red('←')} ${name} did not run: ${reason}\n`;
    case ToolOutcome.FAILED:
      return `  ${paint.red('←')} ${name}${took} ${reason}\n`;
    case ToolOutcome.UNKNOWN:
      return `  ${paint.yellow('←')} ${name} may or may not have run, and is not tried again\n`;
    case ToolOutcome.CANCELLED:
      return `  ${paint.yellow('←')} ${name} cancelled\n`;
    case ToolOutcome.UNSPECIFIED:
      break;
  }
  return `  ← ${name} ended\n`;
}

/** What somebody should know before they believe it. */
function renderMarks({ truncated, labels }: ToolFinished, paint: Paint): string {
  // What is internal is the usual.
  const shown = listLabels(labels).filter((label) => label !== 'internal');
  const cut = truncated ? paint.yellow(' (cut at the cap)') : '';
  return shown.length === 0 ? cut : `${cut} ${paint.yellow(`[${shown.join(', ')}]`)}`;
}

function reasonOf(error: ToolFinished['error']): string | undefined {
  return error === undefined
    ? undefined
    : `${error.code}: ${toLine(error.message, contentLengthMax)}`;
}

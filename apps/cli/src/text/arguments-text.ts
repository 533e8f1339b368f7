import { parseJsonText } from '@modelhost/kernel';
import { toPrintable } from './printable.ts';

/**
 * Arguments of a call for a person to decide on, whole: one line for each, and a text of several lines as a block whose
 * every line has a bar before it, so that no text can look like another argument. Each line begins with `margin`.
 */
export function renderArguments(argumentsJson: string, margin: string): string {
  const values = readObject(argumentsJson);
  // What is no object is shown as it stands.
  const lines =
    values === undefined
      ? block(argumentsJson)
      : Object.entries(values)
          .map(([name, value]) => renderArgument(name, value))
          // The short ones last, beside the question.
          .sort((one, other) => other.length - one.length)
          .flat();
  return (lines.length === 0 ? ['(no arguments)'] : lines)
    .map((line) => `${margin}${line}\n`)
    .join('');
}

function renderArgument(name: string, value: unknown): readonly string[] {
  const shown = toPrintable(JSON.stringify(name)).slice(1, -1);
  return typeof value === 'string' && value.includes('\n')
    ? [`${shown}:`, ...block(value)]
    : [`${shown}: ${toPrintable(JSON.stringify(value))}`];
}

function block(text: string): readonly string[] {
  return text.split('\n').map((line) => `│ ${toPrintable(line)}`);
}

function readObject(text: string): object | undefined {
  try {
    const value = parseJsonText(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

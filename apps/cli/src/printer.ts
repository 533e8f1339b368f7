import { RunEventSchema } from '@modelhost/contracts';
import type { RunEvent } from '@modelhost/contracts';
import type { CliContext } from './context.ts';
import { toJsonText } from './output.ts';
import { isText, renderEvent } from './timeline.ts';

/** Shows the events of one run, one after the other. */
export type EventPrinter = (event: RunEvent) => void;

/** Prints a timeline for people, or one line of JSON for each event. */
export function createEventPrinter(
  context: Pick<CliContext, 'print' | 'paint'>,
  options: { readonly json?: boolean | undefined; readonly verbose?: boolean | undefined },
): EventPrinter {
  const { print, paint } = context;
  if (options.json === true) {
    return (event) => print(`${toJsonText(RunEventSchema, event)}\n`);
  }
  let isInText = false;
  return (event) => {
    const text = renderEvent(event, { paint, isVerbose: options.verbose === true });
    if (text === '') return;
    const isNextText = isText(event);
    if (isInText && !isNextText) print('\n');
    if (!isInText && isNextText) print('  ');
    isInText = isNextText;
    print(text);
  };
}

import { RunEventSchema } from '@modelhost/contracts';
import type { RunEvent, ToolRequested } from '@modelhost/contracts';
import type { CliContext } from '../context.ts';
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
  const style = { paint, isVerbose: options.verbose === true };
  // As many as the calls that are under way, which the host bounds.
  const calls = new Map<string, ToolRequested>();
  let isInText = false;

  function callOf({ event }: RunEvent): ToolRequested | undefined {
    if (event.case === 'toolRequested') calls.set(event.value.callId, event.value);
    if (event.case === 'decision' || event.case === 'toolProgress') {
      return calls.get(event.value.callId);
    }
    if (event.case !== 'toolFinished') return undefined;
    const call = calls.get(event.value.callId);
    calls.delete(event.value.callId);
    return call;
  }

  return (event) => {
    const text = renderEvent(event, style, callOf(event));
    if (text === '') return;
    const isNextText = isText(event);
    if (isInText && !isNextText) print('\n');
    if (!isInText && isNextText) print('  ');
    isInText = isNextText;
    print(text);
  };
}

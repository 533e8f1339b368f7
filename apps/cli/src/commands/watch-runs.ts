import { create } from '@bufbuild/protobuf';
import { WatchEventsResponseSchema } from '@modelhost/contracts';
import type { WatchedItem } from '@modelhost/sdk';
import { withClient } from '../connection.ts';
import type { ConnectionFlags, WaitFlag } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';
import { toRewound } from '../text/interruption-text.ts';
import { toJsonText } from '../text/output.ts';
import type { JsonFlag } from '../text/output.ts';
import { toLine } from '../text/printable.ts';
import { createEventPrinter } from '../text/printer.ts';
import type { EventPrinter } from '../text/printer.ts';

/** What `runs watch` is told. */
export interface WatchFlags extends ConnectionFlags, JsonFlag, WaitFlag {
  readonly new?: boolean;
  readonly verbose?: boolean;
}

/** Shows what happens to many runs, each line with the run that it is about. */
export async function watchRuns(
  context: CliContext,
  flags: WatchFlags,
  ...runIds: readonly string[]
): Promise<void> {
  const newRuns = flags.new === true;
  if (!newRuns && runIds.length === 0) {
    const message = 'name the runs, or give --new for those that you start from now on';
    throw new CommandError(exitCodes.usage, message);
  }
  const interrupt = new AbortController();
  const stopListening = context.onInterrupt(() => interrupt.abort());
  const runs = new Map(runIds.map((runId) => [runId, 0n]));
  const { signal } = interrupt;
  const show = flags.json === true ? createJsonPrinter(context) : createLines(context, flags);
  const onListening = (): void => {
    if (newRuns) context.say('watching; Ctrl-C leaves the runs alone');
  };
  try {
    await withClient(context, flags, async (client) => {
      const items = client.watchEvents({ runs, newRuns, signal, onListening });
      for await (const item of items) show(item);
    });
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
    context.exitWith(exitCodes.interrupted);
  } finally {
    stopListening();
  }
}

function createJsonPrinter({ print, say }: CliContext): (item: WatchedItem) => void {
  return (item) => {
    // What the host sent is printed, and this was said by the lack of it.
    if (item.type === 'rewound') return say(toRewound(item));
    const response = create(WatchEventsResponseSchema, { runId: item.runId, item: toCase(item) });
    print(`${toJsonText(WatchEventsResponseSchema, response)}\n`);
  };
}

function toCase(item: Exclude<WatchedItem, { type: 'rewound' }>) {
  switch (item.type) {
    case 'run':
      return { case: 'run', value: item.run } as const;
    case 'event':
      return { case: 'event', value: item.event } as const;
    case 'gap':
      return { case: 'gap', value: item.gap } as const;
  }
}

/** Whole lines only, as those of several runs come in between. */
function createLines(context: CliContext, flags: WatchFlags): (item: WatchedItem) => void {
  const { print, paint } = context;
  /** By run that is not over. */
  const printers = new Map<string, { readonly event: EventPrinter; readonly end: () => void }>();

  function printerOf(runId: string): { readonly event: EventPrinter; readonly end: () => void } {
    const known = printers.get(runId);
    if (known !== undefined) return known;
    let line = '';
    const write = (text: string): void => {
      const lines = `${line}${text}`.split('\n');
      line = lines.pop() ?? '';
      for (const whole of lines) print(`${paint.dim(runId.slice(-8))} ${whole}\n`);
    };
    const printer = {
      event: createEventPrinter({ print: write, paint }, flags),
      end: () => line !== '' && write('\n'),
    };
    printers.set(runId, printer);
    return printer;
  }

  return (item) => {
    const { runId } = item;
    switch (item.type) {
      case 'run':
        print(`${paint.dim(runId.slice(-8))} ${runId} by ${toLine(item.run.subject, 64)}\n`);
        break;
      case 'event':
        printerOf(runId).event(item.event);
        if (item.event.event.case !== 'runFinished') break;
        printerOf(runId).end();
        printers.delete(runId);
        break;
      case 'rewound':
        print(`${paint.dim(runId.slice(-8))} ${paint.yellow(toRewound(item))}\n`);
        printers.delete(runId);
        break;
      case 'gap': {
        const { fromSequence, toSequence } = item.gap;
        const what =
          toSequence === 0n
            ? `events from ${fromSequence} on are not shown; \`model-host runs follow ${runId}\` shows them`
            : `events ${fromSequence} to ${toSequence} are no longer kept`;
        print(`${paint.dim(runId.slice(-8))} ${paint.yellow(what)}\n`);
        if (toSequence === 0n) printers.delete(runId);
        break;
      }
    }
  };
}

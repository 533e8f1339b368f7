import type { RunEvent, RunResult } from '@modelhost/contracts';
import type { ModelHostClient, RewoundRun } from '@modelhost/sdk';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';
import { createEventPrinter } from '../text/printer.ts';
import { createAnswerHints } from './answer-hints.ts';

/** Which run is followed, and how it is shown. */
export interface FollowedRun {
  readonly runId: string;
  readonly flags: { readonly json?: boolean; readonly verbose?: boolean };
  readonly afterSequence?: bigint;
  readonly onEvent?: (event: RunEvent) => void;
  /** Without it, less of the run than was shown is a failure. */
  readonly onRewound?: (run: RewoundRun) => void;
}

/**
 * Shows a run to its end, and says how to answer what it asks for; undefined where its end is not among the events. An interrupt leaves
 * the run alone, and throws.
 */
export async function followToEnd(
  context: CliContext,
  client: ModelHostClient,
  { runId, flags, onEvent, ...options }: FollowedRun,
): Promise<RunResult | undefined> {
  const printEvent = createEventPrinter(context, flags);
  const interrupt = new AbortController();
  const { signal } = interrupt;
  const stopListening = context.onInterrupt(() => interrupt.abort());
  const hint = createAnswerHints({
    runId,
    say: context.say,
    readLastSequence: async () => (await client.getRun(runId)).lastSequence,
  });
  let result: RunResult | undefined;
  try {
    for await (const item of client.followRun(runId, { ...options, signal })) {
      printEvent(item);
      onEvent?.(item);
      await hint(item);
      if (item.event.case === 'runFinished') result = item.event.value.result;
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
    throw new CommandError(exitCodes.interrupted, `${runId} goes on`);
  } finally {
    stopListening();
  }
  return result;
}

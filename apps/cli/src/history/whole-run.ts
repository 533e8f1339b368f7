import type { RunEvent } from '@modelhost/contracts';
import type { ModelHostClient } from '@modelhost/sdk';

/** Every event of a finished run; those that are no longer kept come out of its journal again. */
export async function readWholeRun(
  client: Pick<ModelHostClient, 'followRun' | 'replayRun'>,
  runId: string,
  kept?: readonly RunEvent[],
): Promise<readonly RunEvent[]> {
  const events = kept ?? (await Array.fromAsync(client.followRun(runId)));
  if (events.every(({ event }) => event.case !== 'eventsDropped')) return events;
  const replayed: RunEvent[] = [];
  for await (const item of client.replayRun(runId)) {
    if (item.case === 'event') replayed.push(item.value);
  }
  return replayed;
}

import type { RunInput } from '@modelhost/kernel';

/** The run of which the ids are made of what is asked of people: a fork knows those of the run that it goes on from. */
export function rootOf({ runId, rootRunId = runId }: RunInput): string {
  return rootRunId;
}

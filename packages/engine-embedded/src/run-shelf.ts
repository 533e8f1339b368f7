import type { StopReason } from '@modelhost/kernel';
import type { EngineBounds } from './bounds.ts';
import type { Run } from './run.ts';

/** A run with its place in the order of starts. */
export interface ShelvedRun {
  readonly run: Run;
  /** From 1. */
  readonly ordinal: number;
}

/** All runs that are in flight, and the newest of the finished ones. */
export interface RunShelf {
  add(run: Run, inputDigest: string): void;
  /** Any tenant's run, for the start only: run ids are unique across tenants. */
  find(runId: string): { readonly inputDigest: string } | undefined;
  findOf(tenant: string, runId: string): Run | undefined;
  newestFirst(): readonly ShelvedRun[];
  /** The run is finished: from now on it may be forgotten. */
  retire(runId: string): void;
  inFlight(): number;
  /** Stops every run in flight and says how many that were. */
  stopAll(reason: StopReason): number;
  clear(): void;
}

type Entry = ShelvedRun & { readonly inputDigest: string };

/** Forgets the run that finished first when there are too many finished runs or their events take too much. */
export function createRunShelf(
  bounds: Pick<EngineBounds, 'finishedRunsMax' | 'finishedBytesMax'>,
): RunShelf {
  const entries = new Map<string, Entry>();
  /** Finished runs in the order in which they finished, with the bytes of their events. */
  const finished = new Map<string, number>();
  let finishedBytes = 0;
  let ordinal = 0;

  function retire(runId: string): void {
    const bytes = entries.get(runId)?.run.bytes() ?? 0;
    finished.set(runId, bytes);
    finishedBytes += bytes;
    for (const [oldest, oldestBytes] of finished) {
      if (finished.size <= bounds.finishedRunsMax && finishedBytes <= bounds.finishedBytesMax)
        break;
      finished.delete(oldest);
      entries.delete(oldest);
      finishedBytes -= oldestBytes;
    }
  }

  return {
    add: (run, inputDigest) => {
      ordinal += 1;
      entries.set(run.identity.runId, { run, inputDigest, ordinal });
    },
    find: (runId) => entries.get(runId),
    findOf: (tenant, runId) => {
      const run = entries.get(runId)?.run;
      return run?.identity.principal.tenant === tenant ? run : undefined;
    },
    newestFirst: () => [...entries.values()].reverse(),
    retire,
    inFlight: () => entries.size - finished.size,
    stopAll: (reason) => {
      let stopped = 0;
      for (const [runId, { run }] of entries) {
        if (finished.has(runId)) continue;
        run.stop(reason);
        stopped += 1;
      }
      return stopped;
    },
    clear: () => {
      entries.clear();
      finished.clear();
      finishedBytes = 0;
    },
  };
}

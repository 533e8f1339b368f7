import type { RunStore } from '@modelhost/engine-embedded';
import { toErrorData } from '@modelhost/kernel';
import { fixedBounds } from '../bounds.ts';
import { storageFault } from '../fault.ts';
import type { StoreThreads } from '../thread/store-threads.ts';
import type { RemovalProgress, RemovalStep } from './run-removal.ts';

/** The engine's store on the threads of an open database. */
export function createRunStore(
  threads: StoreThreads,
  life: Pick<RunStore, 'check' | 'close'>,
): RunStore {
  const { write, read } = threads;
  /** Ordinals of runs that were found damaged when they were to be removed. */
  const damaged = new Set<number>();

  return {
    ...life,
    create: async (run, input) => {
      const bytes = sizeOf([run.status, input, ...(run.entries ?? [])]);
      return write('createRun', { run, input }, { bytes });
    },
    write: async (change) => {
      const { runId, entries, events, run } = change;
      const payloads = [
        ...entries,
        ...(events ? [events.payload] : []),
        ...(run ? [run.status] : []),
      ];
      await write('writeRun', change, { bytes: sizeOf(payloads), subject: runId });
    },
    addSignal: async (runId, signal, { signalsMax }) =>
      write('addSignal', { runId, signal, signalsMax }, { bytes: sizeOf([signal.payload]) }),
    find: (runId) => read('findRun', runId),
    read: (runId) => read('readRun', runId),
    list: (tenant, page) => read('listRuns', { tenant, ...page }),
    unfinished: (page) => read('unfinishedRuns', page),
    readEvents: (runId, options) => read('readEvents', { runId, ...options }),
    dropEvents: (runId, upToSequence) => write('dropEvents', { runId, upToSequence }),
    retain: async ({ runsFinishedBeforeMs, eventsFinishedBeforeMs, runsMax }) => {
      const runs = await removeInSteps((step) => write('removeRuns', step), {
        finishedBeforeMs: runsFinishedBeforeMs,
        runsMax,
        damaged,
      });
      const events = await removeInSteps((step) => write('removeEvents', step), {
        finishedBeforeMs: eventsFinishedBeforeMs,
        runsMax: runsMax - runs,
        damaged,
      });
      return { runs, events, ...(damaged.size === 0 ? {} : { damaged: damaged.size }) };
    },
  };
}

/** Other writes come in between. It ends, since each step removes rows, of at most so many runs. */
async function removeInSteps(
  remove: (step: RemovalStep) => Promise<RemovalProgress>,
  {
    finishedBeforeMs,
    runsMax,
    damaged,
  }: Pick<RemovalStep, 'finishedBeforeMs' | 'runsMax'> & { readonly damaged: Set<number> },
): Promise<number> {
  const rowsMax = fixedBounds.removedRowsPerStep;
  let runs = 0;
  for (let isMore = true; isMore;) {
    const step = { finishedBeforeMs, runsMax: runsMax - runs, rowsMax, skipped: [...damaged] };
    // oxlint-disable-next-line no-await-in-loop -- each step goes by what the one before did
    const progress = await remove(step).catch((thrown: unknown) => skip(damaged, thrown));
    runs += progress.runs;
    isMore = progress.isMore;
  }
  return runs;
}

/** A damaged run keeps nothing of the others. Throws what is no damage of one, and where there is too much of it. */
function skip(damaged: Set<number>, thrown: unknown): RemovalProgress {
  const { facts } = toErrorData(thrown);
  if (facts['ordinal'] === undefined) throw thrown;
  damaged.add(Number(facts['ordinal']));
  if (damaged.size > fixedBounds.damagedRunsMax) throw thrown;
  return { runs: 0, isMore: true };
}

/** Throws `storage_unavailable` when one of them is larger than any payload may be. */
function sizeOf(payloads: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const { byteLength } of payloads) {
    if (byteLength > fixedBounds.payloadBytesMax) {
      throw storageFault(
        'too_large',
        `a payload of ${byteLength} bytes; at most ${fixedBounds.payloadBytesMax} can be kept`,
      );
    }
    bytes += byteLength;
  }
  return bytes;
}

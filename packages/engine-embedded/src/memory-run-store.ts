import { HostError } from '@modelhost/kernel';
import type { KeptEvents, KeptRun, KeptSignal, RunRecord, RunStore } from './run-store.ts';

/** What a store in memory keeps of finished runs; past it the one that finished first is forgotten. */
export interface MemoryStoreBounds {
  readonly finishedRunsMax: number;
  /** Bytes of their payloads together. */
  readonly finishedBytesMax: number;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

interface Row {
  readonly run: Writable<KeptRun>;
  readonly input: Uint8Array;
  readonly entries: Uint8Array[];
  readonly signals: Map<string, KeptSignal>;
  events: KeptEvents[];
  bytes: number;
}

/** Keeps runs as long as the process lives: for tests, for simulations, and for a host without a journal. */
export function createMemoryRunStore(bounds: Partial<MemoryStoreBounds> = {}): RunStore {
  const { finishedRunsMax = 1_000, finishedBytesMax = 256 * 1024 * 1024 } = bounds;
  const rows = new Map<string, Row>();
  /** In the order in which they finished. */
  const finished = new Set<Row>();
  let finishedBytes = 0;
  let ordinal = 0;

  function rowOf(runId: string): Row {
    const row = rows.get(runId);
    if (row !== undefined) return row;
    throw new HostError('internal', 'a write for a run that is not kept');
  }

  function forget(row: Row): void {
    rows.delete(row.run.runId);
    if (finished.delete(row)) finishedBytes -= row.bytes;
  }

  function retire(row: Row): void {
    finished.add(row);
    finishedBytes += row.bytes;
    for (const oldest of finished) {
      if (finished.size <= finishedRunsMax && finishedBytes <= finishedBytesMax) return;
      forget(oldest);
    }
  }

  function grow(row: Row, bytes: number): void {
    row.bytes += bytes;
    if (finished.has(row)) finishedBytes += bytes;
  }

  function dropEvents(row: Row, upToSequence: number): void {
    const kept = row.events.filter(({ lastSequence }) => lastSequence > upToSequence);
    grow(row, bytesOf(kept) - bytesOf(row.events));
    row.events = kept;
  }

  return {
    create: async (run, input) => {
      const known = rows.get(run.runId);
      if (known !== undefined) return { created: false, run: { ...known.run } };
      ordinal += 1;
      rows.set(run.runId, {
        run: { ...run, ordinal, lastSequence: 0 },
        input,
        entries: [],
        signals: new Map(),
        events: [],
        bytes: input.length + run.status.length,
      });
      return { created: true };
    },
    write: async ({ runId, entries, events, run }) => {
      const row = rowOf(runId);
      if (events !== undefined && events.firstSequence !== row.run.lastSequence + 1) {
        throw new HostError('internal', 'events that do not follow those that are kept');
      }
      row.entries.push(...entries);
      grow(
        row,
        entries.reduce((sum, { length }) => sum + length, 0),
      );
      if (events !== undefined) {
        row.events.push(events);
        row.run.lastSequence = events.lastSequence;
        grow(row, events.payload.length);
      }
      if (run === undefined) return;
      Object.assign(row.run, run);
      if (run.state === 'finished') retire(row);
    },
    addSignal: async (runId, signal, { signalsMax }) => {
      const row = rows.get(runId);
      if (row === undefined || row.run.state === 'finished') return 'gone';
      if (row.signals.has(signal.name)) return 'known';
      if (row.signals.size >= signalsMax) return 'full';
      row.signals.set(signal.name, signal);
      return 'added';
    },
    find: async (runId) => copyOf(rows.get(runId)),
    read: async (runId) => recordOf(rows.get(runId)),
    list: async (tenant, { state, beforeOrdinal = Infinity, limit }) => {
      const newestFirst = Array.from(rows.values(), ({ run }) => run).reverse();
      return newestFirst
        .filter(
          (run) =>
            run.tenant === tenant &&
            run.ordinal < beforeOrdinal &&
            (state === undefined || run.state === state),
        )
        .slice(0, limit)
        .map((run) => ({ ...run }));
    },
    unfinished: async ({ afterOrdinal, limit }) =>
      Array.from(rows.values(), ({ run }) => run)
        .filter((run) => run.state !== 'finished' && run.ordinal > afterOrdinal)
        .slice(0, limit)
        .map((run) => ({ ...run })),
    readEvents: async (runId, { afterSequence, bytesMax }) => {
      const events = rows.get(runId)?.events ?? [];
      return {
        events: pageOf(events, afterSequence, bytesMax),
        firstSequence: events[0]?.firstSequence,
      };
    },
    dropEvents: async (runId, upToSequence) => dropEvents(rowOf(runId), upToSequence),
    retain: async ({ runsFinishedBeforeMs, eventsFinishedBeforeMs, runsMax }) => {
      const removed = { runs: 0, events: 0 };
      for (const row of [...finished]) {
        const { finishedAtMs = Infinity } = row.run;
        if (removed.runs + removed.events >= runsMax) break;
        if (finishedAtMs < runsFinishedBeforeMs) {
          forget(row);
          removed.runs += 1;
        } else if (finishedAtMs < eventsFinishedBeforeMs && row.events.length > 0) {
          dropEvents(row, Infinity);
          removed.events += 1;
        }
      }
      return removed;
    },
    check: async () => {},
    close: async () => {
      rows.clear();
      finished.clear();
      finishedBytes = 0;
    },
  };
}

function copyOf(row: Row | undefined): KeptRun | undefined {
  return row === undefined ? undefined : { ...row.run };
}

function recordOf(row: Row | undefined): RunRecord | undefined {
  if (row === undefined) return undefined;
  const { run, input, entries, signals } = row;
  return { run: { ...run }, input, entries: [...entries], signals: [...signals.values()] };
}

/** From the write that holds the next event, up to about so many bytes, and at least one write. */
function pageOf(
  events: readonly KeptEvents[],
  afterSequence: number,
  bytesMax: number,
): readonly KeptEvents[] {
  const from = events.findIndex(({ lastSequence }) => lastSequence > afterSequence);
  if (from < 0) return [];
  let bytes = 0;
  let to = from;
  while (to < events.length && (to === from || bytes < bytesMax)) {
    bytes += events[to]?.payload.length ?? 0;
    to += 1;
  }
  return events.slice(from, to);
}

function bytesOf(events: readonly KeptEvents[]): number {
  return events.reduce((sum, { payload }) => sum + payload.length, 0);
}

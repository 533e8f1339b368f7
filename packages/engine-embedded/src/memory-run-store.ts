import { HostError } from '@modelhost/kernel';
import type {
  KeptEvents,
  KeptRun,
  KeptSignal,
  NewRun,
  Retention,
  RunRecord,
  RunStore,
  RunWrite,
} from './run-store.ts';

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

interface Shelf extends MemoryStoreBounds {
  readonly rows: Map<string, Row>;
  /** In the order in which they finished. */
  readonly finished: Set<Row>;
  finishedBytes: number;
  ordinal: number;
}

/** Keeps runs as long as the process lives: for tests, for simulations, and for a host without a journal. */
export function createMemoryRunStore(bounds: Partial<MemoryStoreBounds> = {}): RunStore {
  const shelf: Shelf = {
    finishedRunsMax: 1_000,
    finishedBytesMax: 256 * 1024 * 1024,
    ...bounds,
    rows: new Map(),
    finished: new Set(),
    finishedBytes: 0,
    ordinal: 0,
  };
  const { rows, finished } = shelf;
  return {
    create: async (run, input) => create(shelf, run, input),
    write: async (change) => write(shelf, change),
    addSignal: async (runId, signal, { signalsMax }) =>
      addSignal(rows.get(runId), signal, signalsMax),
    find: async (runId) => copyOf(rows.get(runId)),
    read: async (runId) => recordOf(rows.get(runId)),
    list: async (tenant, { state, beforeOrdinal = Infinity, limit }) =>
      runsOf(shelf)
        .reverse()
        .filter(
          (run) =>
            run.tenant === tenant &&
            run.ordinal < beforeOrdinal &&
            (state === undefined || run.state === state),
        )
        .slice(0, limit),
    unfinished: async ({ afterOrdinal, limit }) =>
      runsOf(shelf)
        .filter((run) => run.state !== 'finished' && run.ordinal > afterOrdinal)
        .slice(0, limit),
    readEvents: async (runId, { afterSequence, bytesMax }) => {
      const events = rows.get(runId)?.events ?? [];
      return {
        events: pageOf(events, afterSequence, bytesMax),
        firstSequence: events[0]?.firstSequence,
      };
    },
    dropEvents: async (runId, upToSequence) => dropEvents(shelf, rowOf(shelf, runId), upToSequence),
    retain: async (retention) => retain(shelf, retention),
    check: async () => {},
    close: async () => {
      rows.clear();
      finished.clear();
      shelf.finishedBytes = 0;
    },
  };
}

function create(
  shelf: Shelf,
  { entries = [], ...run }: NewRun,
  input: Uint8Array,
): Awaited<ReturnType<RunStore['create']>> {
  const known = copyOf(shelf.rows.get(run.runId));
  if (known !== undefined) return { created: false, run: known };
  shelf.ordinal += 1;
  shelf.rows.set(run.runId, {
    run: { ...run, ordinal: shelf.ordinal, lastSequence: 0 },
    input,
    entries: [...entries],
    signals: new Map(),
    events: [],
    bytes: [input, run.status, ...entries].reduce((sum, { length }) => sum + length, 0),
  });
  return { created: true };
}

function write(shelf: Shelf, { runId, entries, events, run }: RunWrite): void {
  const row = rowOf(shelf, runId);
  if (events !== undefined && events.firstSequence !== row.run.lastSequence + 1) {
    throw new HostError('internal', 'events that do not follow those that are kept');
  }
  row.entries.push(...entries);
  grow(
    shelf,
    row,
    entries.reduce((sum, { length }) => sum + length, 0),
  );
  if (events !== undefined) {
    row.events.push(events);
    row.run.lastSequence = events.lastSequence;
    grow(shelf, row, events.payload.length);
  }
  if (run === undefined) return;
  // Whoever ends once more has ended now.
  revive(shelf, row);
  Object.assign(row.run, run);
  if (run.state === 'finished') retire(shelf, row);
}

function addSignal(
  row: Row | undefined,
  signal: KeptSignal,
  signalsMax: number,
): Awaited<ReturnType<RunStore['addSignal']>> {
  if (row === undefined || row.run.state === 'finished') return 'gone';
  if (row.signals.has(signal.name)) return 'known';
  if (row.signals.size >= signalsMax) return 'full';
  row.signals.set(signal.name, signal);
  return 'added';
}

function retain(
  shelf: Shelf,
  { runsFinishedBeforeMs, eventsFinishedBeforeMs, runsMax }: Retention,
): { runs: number; events: number } {
  const removed = { runs: 0, events: 0 };
  for (const row of Array.from(shelf.finished)) {
    const { finishedAtMs = Infinity } = row.run;
    if (removed.runs + removed.events >= runsMax) break;
    if (finishedAtMs < runsFinishedBeforeMs) {
      forget(shelf, row);
      removed.runs += 1;
    } else if (finishedAtMs < eventsFinishedBeforeMs && row.events.length > 0) {
      dropEvents(shelf, row, Infinity);
      removed.events += 1;
    }
  }
  return removed;
}

function rowOf({ rows }: Shelf, runId: string): Row {
  const row = rows.get(runId);
  if (row === undefined) throw new HostError('internal', 'a write for a run that is not kept');
  return row;
}

/** A run that is finished may be forgotten. */
function retire(shelf: Shelf, row: Row): void {
  const { finished, finishedRunsMax, finishedBytesMax } = shelf;
  finished.add(row);
  shelf.finishedBytes += row.bytes;
  for (const oldest of finished) {
    if (finished.size <= finishedRunsMax && shelf.finishedBytes <= finishedBytesMax) return;
    forget(shelf, oldest);
  }
}

function forget(shelf: Shelf, row: Row): void {
  shelf.rows.delete(row.run.runId);
  revive(shelf, row);
}

function revive(shelf: Shelf, row: Row): void {
  if (shelf.finished.delete(row)) shelf.finishedBytes -= row.bytes;
}

function grow(shelf: Shelf, row: Row, bytes: number): void {
  row.bytes += bytes;
  if (shelf.finished.has(row)) shelf.finishedBytes += bytes;
}

function dropEvents(shelf: Shelf, row: Row, upToSequence: number): void {
  const kept = row.events.filter(({ lastSequence }) => lastSequence > upToSequence);
  grow(shelf, row, bytesOf(kept) - bytesOf(row.events));
  row.events = kept;
}

/** In the order of their creation. */
function runsOf({ rows }: Shelf): KeptRun[] {
  return Array.from(rows.values(), ({ run }) => ({ ...run }));
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

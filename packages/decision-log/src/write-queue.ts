import { setImmediate as turn } from 'node:timers/promises';
import { logBounds } from './bounds.ts';
import { createSubjectDigests, sealEntry, withoutLargeArguments } from './entry.ts';
import type { LogEntry, SealingParts, WaitingEntry } from './entry.ts';
import type { SealedRow } from './log-file.ts';

/** Decisions on their way to the file. */
export interface WriteQueue {
  /**
   * Keeps the entry until it is written; when many wait, without arguments that are large. Drops and counts it when the queue
   * is full or closed.
   */
  append(entry: LogEntry): void;
  /** Resolves when all that was appended before is written. Rejects when it cannot be written now; a later flush tries again. */
  flush(): Promise<void>;
  /** Entries that are not known to be written. */
  waiting(): number;
  /** Entries that were never written. */
  dropped(): number;
  /** Whether the last attempt to write failed. */
  isFailing(): boolean;
  /** Takes nothing more, tries once more to write what waits, and drops what cannot be written. */
  close(): Promise<void>;
}

/** What a queue needs. */
export interface WriteQueueOptions extends Pick<SealingParts, 'keys' | 'redactor'> {
  readonly entriesMax: number;
  readonly write: (rows: readonly SealedRow[]) => Promise<void>;
  /** Told of the first failure after a success, and of the first entry that cannot be sealed. */
  readonly onFault: (fault: unknown) => void;
}

/** Seals in slices, between which other work goes on, and writes some of them at once, each lot after the one before is written. */
export function createWriteQueue(options: WriteQueueOptions): WriteQueue {
  const { keys, redactor, entriesMax, write, onFault } = options;
  const parts = { keys, redactor, digestOf: createSubjectDigests(keys) };
  const queue: WaitingEntry[] = [];
  /** Sealed, and not known to be written. */
  const lot: SealedRow[] = [];
  let draining: Promise<void> | undefined;
  let dropped = 0;
  let appended = 0;
  let isScheduled = false;
  let isFailing = false;
  let isClosed = false;
  let isUnfitKnown = false;

  /** Those that are written, or never will be. */
  const finished = (): number => appended - queue.length - lot.length;

  function append(entry: LogEntry): void {
    if (isClosed || queue.length + lot.length >= entriesMax) {
      dropped += 1;
      return;
    }
    queue.push(queue.length < logBounds.waitingWhole ? entry : withoutLargeArguments(entry));
    appended += 1;
    if (queue.length < logBounds.queueHigh || isScheduled || isFailing) return;
    isScheduled = true;
    // Whoever decides goes on first.
    setImmediate(() => {
      isScheduled = false;
      flush().catch(ignore);
    });
  }

  function onUnfit(causes: readonly unknown[]): void {
    if (causes.length > 0 && !isUnfitKnown) onFault(causes[0]);
    isUnfitKnown ||= causes.length > 0;
    dropped += causes.length;
  }

  /** Writes what is there at the start: what comes meanwhile would keep a busy host's readers waiting for ever. */
  async function drain(target = appended): Promise<void> {
    while (finished() < target) {
      if (lot.length === 0) await sealLot(parts, { queue, lot, onUnfit });
      try {
        await write(lot);
      } catch (thrown) {
        if (!isFailing) onFault(thrown);
        isFailing = true;
        throw thrown;
      }
      isFailing = false;
      lot.length = 0;
    }
  }

  async function flush(): Promise<void> {
    const target = appended;
    // One that was under way may have begun before the newest entries.
    while (finished() < target) {
      draining ??= drain().finally(() => (draining = undefined));
      await draining;
    }
  }

  return {
    append,
    flush,
    waiting: () => queue.length + lot.length,
    dropped: () => dropped,
    isFailing: () => isFailing,
    close: async () => {
      isClosed = true;
      await flush().catch(ignore);
      dropped += queue.length + lot.length;
      queue.length = 0;
      lot.length = 0;
    },
  };
}

/** It is told of already. */
function ignore(): void {}

/** What is moved from the queue to the lot. */
interface Sealing {
  readonly queue: WaitingEntry[];
  readonly lot: SealedRow[];
  /** Told why entries could not be sealed. */
  readonly onUnfit: (causes: readonly unknown[]) => void;
}

/** Fills the lot, as a transaction of the file costs less for each entry the more share it. Others go on after each slice. */
async function sealLot(parts: SealingParts, { queue, lot, onUnfit }: Sealing): Promise<void> {
  for (let slices = 0; slices < logBounds.lotSlices && queue.length > 0; slices += 1) {
    if (slices > 0) await turn(); // oxlint-disable-line no-await-in-loop
    const { rows, taken, unfit } = sealSome(parts, queue.slice(0, logBounds.sliceEntries));
    queue.splice(0, taken);
    lot.push(...rows);
    onUnfit(unfit);
  }
}

interface SealedSlice {
  readonly rows: readonly SealedRow[];
  readonly taken: number;
  /** Why entries could not be sealed. */
  readonly unfit: readonly unknown[];
}

/** The first of the entries: at least one, and no more bytes than are sealed at one go, but for the last. */
function sealSome(parts: SealingParts, entries: readonly WaitingEntry[]): SealedSlice {
  const rows: SealedRow[] = [];
  const unfit: unknown[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (bytes >= logBounds.sealedBytes) break;
    try {
      const row = sealEntry(parts, entry);
      bytes += row.sealed.length;
      rows.push(row);
    } catch (thrown) {
      unfit.push(thrown);
    }
  }
  return { rows, taken: rows.length + unfit.length, unfit };
}

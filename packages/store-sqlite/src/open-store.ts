import type { RunCodec, RunStore } from '@modelhost/engine-embedded';
import type { SessionStore } from '@modelhost/kernel';
import { defaultStoreBounds, fixedBounds } from './bounds.ts';
import type { StoreBounds } from './bounds.ts';
import { backupSqliteStore } from './maintenance/tasks.ts';
import { startMarking } from './marking.ts';
import type { Marking } from './marking.ts';
import { createRunStore } from './runs/run-store.ts';
import { createSessionStore } from './sessions/session-store.ts';
import type { StoreWitness } from './store-mark.ts';
import { openThreads } from './thread/store-threads.ts';
import type { StoreThreads } from './thread/store-threads.ts';

/** Where a store lies and what it may use. */
export interface SqliteStoreOptions {
  /** Only this store's files lie in it. It is made when only its last part is missing. */
  readonly directory: string;
  readonly bounds?: Partial<StoreBounds>;
  /** A store that is not all that its witness knows is refused with reason `lost`. */
  readonly witness?: StoreWitness;
}

/** One data directory, open in this process and in no other. */
export interface SqliteStore {
  readonly runs: RunStore;
  /** Sessions, sealed by the codec. */
  sessions(codec: RunCodec): SessionStore;
  /** Rejects with `storage_unavailable` when nothing can be written or read; the fact `reason` says why. */
  check(): Promise<void>;
  /** As `backupSqliteStore`: this store, as it is at this moment, into a new file. */
  backup(path: string): Promise<void>;
  /** Gives room that nothing uses any more back to the disk, in small steps between writes. */
  compact(): Promise<void>;
  /** Waits for what was asked. Everything later is refused with reason `closed`. */
  close(): Promise<void>;
}

/**
 * Opens or makes the store of a directory and brings its tables up to date. SQLite works in threads of its own. Throws
 * `storage_unavailable`, with a reason and a remedy, for a directory that is in use or cannot be used.
 */
export async function openSqliteStore({
  directory,
  bounds: given,
  witness,
}: SqliteStoreOptions): Promise<SqliteStore> {
  const bounds = { ...defaultStoreBounds, ...given };
  const opened = await openThreads(directory, bounds, witness);
  const threads = await markFor(witness, opened, bounds.markAfterMs);
  const check = (): Promise<void> => threads.check();
  const close = (): Promise<void> => threads.close();
  return {
    runs: createRunStore(threads, { check, close }),
    sessions: (codec) => createSessionStore(threads, codec),
    check,
    backup: (path) => backupSqliteStore({ directory, path }),
    compact: () => compact(threads),
    close,
  };
}

/** The threads, with a witness that is told of what is written. */
async function markFor(
  witness: StoreWitness | undefined,
  threads: StoreThreads,
  afterMs: number,
): Promise<StoreThreads> {
  if (witness === undefined) return threads;
  const marking: Marking = await startMarking({
    mark: async () => threads.write('mark', null),
    note: async (mark) => witness.note(mark),
    afterMs,
  });
  let closing: Promise<void> | undefined;
  return {
    ...threads,
    write: (name, argument, options) => {
      marking.writing();
      return threads.write(name, argument, options);
    },
    close: () => (closing ??= marking.finish().then(() => threads.close())),
  };
}

async function compact({ write }: StoreThreads): Promise<void> {
  const pagesMax = fixedBounds.vacuumPagesPerStep;
  // It ends also while others free pages: those are left for the next time.
  let before = Number.POSITIVE_INFINITY;
  for (let isMore = true; isMore;) {
    // oxlint-disable-next-line no-await-in-loop -- other writes come in between
    const { freePages } = await write('vacuum', { pagesMax });
    isMore = freePages > 0 && freePages < before;
    before = freePages;
  }
  await write('truncateLog', null);
}

import type { ThreadFault } from '../thread/messages.ts';
import { fromThreadFault } from '../thread/messages.ts';
import { startWorker } from '../thread/worker.ts';
import { storageFault } from '../fault.ts';
import type { KnownMark, StoreMark } from '../store-mark.ts';
import { restoreInto } from './restore.ts';
import type { StoreStatus } from './status.ts';

/** Long work on a whole database. */
export type MaintenanceTask =
  | { readonly type: 'backup'; readonly directory: string; readonly path: string }
  | { readonly type: 'copy-backup'; readonly from: string; readonly directory: string }
  | {
      readonly type: 'verify';
      readonly directory: string;
      readonly known?: KnownMark | undefined;
    }
  | { readonly type: 'describe'; readonly directory: string };

/** What became of it. */
export type TaskOutcome =
  | { readonly fault: ThreadFault }
  | { readonly fault: undefined; readonly status: StoreStatus | undefined };

/**
 * Copies the store of a directory, as it is at this moment, into one new file, which is read through before it gets its name. A
 * host may have the store open and write. Throws `storage_unavailable` with the remedy.
 */
export async function backupSqliteStore(options: {
  readonly directory: string;
  /** Of a file that does not exist, in a directory that does. */
  readonly path: string;
}): Promise<void> {
  await runApart({ type: 'backup', ...options });
}

/**
 * Copies a backup into an empty or new directory, after it was read through. The store that is opened there continues the runs that
 * were unfinished when the backup was made. Throws `storage_unavailable` with the remedy, and leaves no store then. A directory in which a
 * restoration was killed is no store; it may be restored into again.
 */
export async function restoreSqliteStore(options: {
  readonly from: string;
  readonly directory: string;
  /** Told how far the backup got, before there is a store. */
  readonly record?: (mark: StoreMark | undefined) => Promise<void>;
}): Promise<void> {
  const { from, directory, record = async () => {} } = options;
  const copy = async (): Promise<void> =>
    void (await runApart({ type: 'copy-backup', from, directory }));
  await restoreInto(directory, { copy, record });
}

/**
 * Reads the whole store of a directory, also while a host has it open. Throws `storage_unavailable`; with reason `corrupt`, the
 * cause names the first problem, or the message the rows that are missing.
 */
export async function verifySqliteStore(options: {
  readonly directory: string;
  /** It has to have got so far: else the reason is `lost`. */
  readonly known?: KnownMark | undefined;
}): Promise<void> {
  await runApart({ type: 'verify', ...options });
}

/** Counts what is in the store of a directory, also while a host has it open. Throws `storage_unavailable` with the remedy. */
export async function describeSqliteStore(options: {
  readonly directory: string;
}): Promise<StoreStatus> {
  const status = await runApart({ type: 'describe', ...options });
  if (status !== undefined) return status;
  throw storageFault('thread_ended', 'the work ended without an answer; try again');
}

/** In a thread of its own, which ends with it. */
async function runApart(task: MaintenanceTask): Promise<StoreStatus | undefined> {
  const worker = startWorker(new URL('task-thread.ts', import.meta.url), task);
  const { promise, resolve, reject } = Promise.withResolvers<TaskOutcome>();
  worker.on('message', resolve);
  worker.on('error', reject);
  worker.on('exit', (code) => reject(new Error(`exit code ${code}`)));
  const outcome = await promise.catch((cause: unknown) => {
    throw storageFault('thread_ended', 'the work ended with its thread; try again', cause);
  });
  if (outcome.fault !== undefined) throw fromThreadFault(outcome.fault);
  return outcome.status;
}

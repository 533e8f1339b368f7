import type { ThreadFault } from '../thread/messages.ts';
import { fromThreadFault } from '../thread/messages.ts';
import { startWorker } from '../thread/worker.ts';
import { storageFault } from '../fault.ts';

/** Long work on a whole database. */
export type MaintenanceTask =
  | { readonly type: 'backup'; readonly directory: string; readonly path: string }
  | { readonly type: 'restore'; readonly from: string; readonly directory: string }
  | { readonly type: 'verify'; readonly directory: string };

/** What became of it. */
export type TaskOutcome = { readonly fault: ThreadFault | undefined };

/**
 * Copies the store of a directory, as it is at this moment, into one new file, which is read through before it gets its name. A
 * host may have the store open and write. Throws `storage_unavailable` with the remedy.
 */
export function backupSqliteStore(options: {
  readonly directory: string;
  /** Of a file that does not exist, in a directory that does. */
  readonly path: string;
}): Promise<void> {
  return runApart({ type: 'backup', ...options });
}

/**
 * Copies a backup into an empty or new directory, after it was read through. The store that is opened there continues the runs that
 * were unfinished when the backup was made. Throws `storage_unavailable` with the remedy, and leaves no store then.
 */
export function restoreSqliteStore(options: {
  readonly from: string;
  readonly directory: string;
}): Promise<void> {
  return runApart({ type: 'restore', ...options });
}

/**
 * Reads the whole store of a directory, also while a host has it open. Throws `storage_unavailable`; with reason `corrupt`, the
 * cause names the first problem.
 */
export function verifySqliteStore(options: { readonly directory: string }): Promise<void> {
  return runApart({ type: 'verify', ...options });
}

/** In a thread of its own, which ends with it. */
async function runApart(task: MaintenanceTask): Promise<void> {
  const worker = startWorker(new URL('task-thread.ts', import.meta.url), task);
  const { promise, resolve, reject } = Promise.withResolvers<TaskOutcome>();
  worker.on('message', resolve);
  worker.on('error', reject);
  worker.on('exit', (code) => reject(new Error(`exit code ${code}`)));
  const { fault } = await promise.catch((cause: unknown) => {
    throw storageFault('thread_ended', 'the work ended with its thread; try again', cause);
  });
  if (fault !== undefined) throw fromThreadFault(fault);
}

/** A thread for one task on a whole database. */
import { parentPort, workerData } from 'node:worker_threads';
import { toStorageFault } from '../fault.ts';
import { toThreadFault } from '../thread/messages.ts';
import { backUpDirectory } from './backup.ts';
import { copyBackup } from './restore.ts';
import { describeDirectory } from './status.ts';
import type { StoreStatus } from './status.ts';
import type { MaintenanceTask, TaskOutcome } from './tasks.ts';
import { verifyDirectory } from './verify.ts';

async function perform(task: MaintenanceTask): Promise<StoreStatus | undefined> {
  switch (task.type) {
    case 'backup':
      await backUpDirectory(task.directory, task.path);
      return undefined;
    case 'copy-backup':
      copyBackup(task.from, task.directory);
      return undefined;
    case 'verify':
      verifyDirectory(task.directory, task.known);
      return undefined;
    case 'describe':
      return describeDirectory(task.directory);
  }
}

async function outcomeOf(task: MaintenanceTask): Promise<TaskOutcome> {
  try {
    return { fault: undefined, status: await perform(task) };
  } catch (thrown) {
    return { fault: toThreadFault(toStorageFault(thrown)) };
  }
}

// Only `tasks.ts` starts this thread.
const outcome = await outcomeOf(workerData as MaintenanceTask);
parentPort?.postMessage(outcome); // oxlint-disable-line unicorn/require-post-message-target-origin -- a thread has no origin

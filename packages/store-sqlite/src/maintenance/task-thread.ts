/** A thread for one task on a whole database. */
import { parentPort, workerData } from 'node:worker_threads';
import { toStorageFault } from '../fault.ts';
import { toThreadFault } from '../thread/messages.ts';
import { backUpDirectory } from './backup.ts';
import { restoreDirectory } from './restore.ts';
import type { MaintenanceTask, TaskOutcome } from './tasks.ts';
import { verifyDirectory } from './verify.ts';

async function perform(task: MaintenanceTask): Promise<void> {
  switch (task.type) {
    case 'backup':
      return backUpDirectory(task.directory, task.path);
    case 'restore':
      return restoreDirectory(task.from, task.directory);
    case 'verify':
      return verifyDirectory(task.directory);
  }
}

async function outcomeOf(task: MaintenanceTask): Promise<TaskOutcome> {
  try {
    await perform(task);
    return { fault: undefined };
  } catch (thrown) {
    return { fault: toThreadFault(toStorageFault(thrown)) };
  }
}

// Only `tasks.ts` starts this thread.
const outcome = await outcomeOf(workerData as MaintenanceTask);
parentPort?.postMessage(outcome); // oxlint-disable-line unicorn/require-post-message-target-origin -- a thread has no origin

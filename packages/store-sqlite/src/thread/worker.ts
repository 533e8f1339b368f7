import { Worker } from 'node:worker_threads';
import { fixedBounds } from '../bounds.ts';

/** Starts a script of this package in a thread: flags of the process do not concern it. */
export function startWorker(script: URL, workerData?: unknown): Worker {
  return new Worker(script, {
    workerData,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: fixedBounds.threadHeapMb },
  });
}

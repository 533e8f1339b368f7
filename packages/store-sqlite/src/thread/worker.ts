import { Worker } from 'node:worker_threads';
import { fixedBounds } from '../bounds.ts';

/** Starts a script of this package in a thread: neither flags nor variables of the process concern it. */
export function startWorker(script: URL, workerData?: unknown): Worker {
  return new Worker(script, {
    workerData,
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: fixedBounds.threadHeapMb },
  });
}

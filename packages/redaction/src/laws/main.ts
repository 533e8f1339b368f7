/**
 * Runs law L4 with all detectors, so many times in each style: `npm run prove:redaction [-- --runs 100000 --seed 7]`. Exits with
 * 1 when it does not hold, and prints the case.
 */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { readCount } from '@modelhost/timing';
import { styleNames, type StyleName } from './laws.ts';

/** One law in one style, as a worker is asked to run it. */
export interface Task {
  readonly style: StyleName;
  readonly law: number;
  readonly runs: number;
  readonly seed: number;
}

/** What a worker says of a task. */
export interface Outcome {
  readonly law: string;
  readonly runs: number;
  /** How it failed, with the case; empty when it held. */
  readonly failure: string;
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 2_147_483_647) },
  },
});
const lawCount = 3;
const runs = Math.ceil(readCount('--runs', values.runs) / lawCount);
const seed = readCount('--seed', values.seed, 0);
const tasks = styleNames.flatMap((style) =>
  Array.from({ length: lawCount }, (_, law): Task => ({ style, law, runs, seed })),
);
const start = performance.now();
let runsDone = 0;

console.log(`seed ${seed}, all detectors, ${styleNames.join(', ')} (placeholders)`);
const workers = Math.min(availableParallelism(), tasks.length);
await Promise.all(Array.from({ length: workers }, work));
const seconds = ((performance.now() - start) / 1_000).toFixed(0);
console.log(`${runsDone} runs in ${seconds} s on ${workers} threads`);

async function work(): Promise<void> {
  const worker = new Worker(new URL('worker.ts', import.meta.url));
  for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
    worker.postMessage(task); // oxlint-disable-line unicorn/require-post-message-target-origin -- a thread has no origin
    // The worker answers each task once, in this form.
    const [outcome] = (await once(worker, 'message')) as [Outcome];
    report(task, outcome);
  }
  await worker.terminate();
}

function report({ style }: Task, { law, runs: done, failure }: Outcome): void {
  runsDone += done;
  console.log(`${failure === '' ? 'ok  ' : 'FAIL'} ${style.padEnd(6)} ${law}: ${done} runs`);
  if (failure === '') return;
  console.log(failure);
  process.exitCode = 1;
}

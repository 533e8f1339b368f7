import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { HostError } from '@modelhost/kernel';
import type { RuleSetSource } from '../rule-set.ts';
import { createThreadEnvironment } from '../thread-environment.ts';
import type { BundleTest } from './read-tests.ts';
import type { TestReport } from './run-tests.ts';
import type { MessageFromTests, MessageToTests } from './tests-worker.ts';

/** How tests are run in a thread of their own. */
export interface TestOptions {
  readonly signal?: AbortSignal;
  /** How long they may take all together; 120 s unless it is said otherwise. */
  readonly timeoutMs?: number;
}

const timeoutMsDefault = 120_000;
const heapMiBMax = 512;
const itemsPerMessage = 25;

/**
 * The same as `runBundleTests` in a thread that is thrown away: a question of a test takes some milliseconds, and others are
 * being served. Throws `config_invalid` when the tests break it, use up its memory or take too long.
 */
export async function runBundleTestsApart(
  { files, tools, ...source }: RuleSetSource,
  tests: readonly BundleTest[],
  options: TestOptions = {},
): Promise<TestReport> {
  const { signal, timeoutMs = timeoutMsDefault } = options;
  signal?.throwIfAborted();
  const deadline = AbortSignal.timeout(timeoutMs);
  const stop = AbortSignal.any(signal === undefined ? [deadline] : [deadline, signal]);
  const worker = new Worker(new URL('./tests-worker.ts', import.meta.url), {
    env: createThreadEnvironment(),
    argv: [],
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: heapMiBMax, stackSizeMb: 4 },
  });
  try {
    const [answer] = await Promise.all([
      answerOf(worker, stop),
      tellAll(worker, { files, tools, ...source }, tests),
    ]);
    if (answer.type === 'report') return answer.report;
    throw invalid(answer.message);
  } catch (thrown) {
    signal?.throwIfAborted();
    if (deadline.aborted) throw invalid(`they took more than ${timeoutMs} ms; make them fewer`);
    if (thrown instanceof HostError) throw thrown;
    throw invalid(
      'they broke the thread that ran them; take out the one that was added last',
      thrown,
    );
  } finally {
    await worker.terminate();
  }
}

/** Rejects with whatever breaks the thread, the end of its memory too. */
async function answerOf(worker: Worker, signal: AbortSignal): Promise<MessageFromTests> {
  const heard: unknown[] = await once(worker, 'message', { signal });
  // The other end is our own worker.
  return heard[0] as MessageFromTests;
}

/** In pieces, with a turn of the event loop between two of them. */
async function tellAll(
  worker: Worker,
  { files, tools, ...source }: RuleSetSource,
  tests: readonly BundleTest[],
): Promise<void> {
  const tell = async (message: MessageToTests): Promise<void> => {
    // A thread has no origin that a message could be meant for.
    worker.postMessage(message); // oxlint-disable-line unicorn/require-post-message-target-origin
    await setImmediate();
  };
  for (const file of files) await tell({ type: 'files', files: [file] });
  for (const some of piecesOf(tools)) await tell({ type: 'tools', tools: some });
  for (const some of piecesOf(tests)) await tell({ type: 'tests', tests: some });
  await tell({ type: 'run', source });
}

function* piecesOf<Item>(items: readonly Item[]): Generator<readonly Item[], void> {
  for (let start = 0; start < items.length; start += itemsPerMessage) {
    yield items.slice(start, start + itemsPerMessage);
  }
}

function invalid(problem: string, cause?: unknown): HostError {
  return new HostError('config_invalid', `tests: ${problem}`, { cause });
}

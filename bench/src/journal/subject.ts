/** The engine with one kind of store, and runs that are counted on it. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  createEmbeddedEngine,
  createMemoryRunStore,
  createPlainCodec,
  createSealingCodec,
  type RunStore,
} from '@modelhost/engine-embedded';
import type { Clock, Keys, RunEnding } from '@modelhost/kernel';
import { openSqliteStore } from '@modelhost/store-sqlite';
import { createPrograms, type Pace } from './loop.ts';
import { createTask } from './task.ts';

/** One way to run the same runs. */
export interface Subject extends AsyncDisposable {
  readonly name: string;
  /** Plays one run to its end, followed by one client; throws when it does not complete. */
  readonly run: () => Promise<void>;
  /** How long steps took since the last call. */
  readonly takeSteps: () => readonly number[];
  /** What was written since the last call. */
  readonly takeWrites: () => { readonly writes: number; readonly entries: number };
}

/** What is kept, and how. */
export type Journal = 'off' | 'plain' | 'sealed';

/** Opens an engine whose journal is in memory, or on the disk with every write durable; sealed as a host does it, or not. */
export async function openSubject(options: {
  readonly name: string;
  readonly journal: Journal;
  readonly directory: string;
  readonly keys: Keys;
  readonly pace: Pace;
}): Promise<Subject> {
  const { name, journal, directory, keys, pace } = options;
  await using opened = new AsyncDisposableStack();
  const counted = { writes: 0, entries: 0 };
  const store = countWrites(await openStore(journal, join(directory, name)), counted);
  opened.defer(async () => store.close());
  let steps: number[] = [];
  const engine = await createEmbeddedEngine({
    programs: createPrograms(keys, pace, (durationMs) => steps.push(durationMs)),
    store,
    clock,
    codec: journal === 'sealed' ? createSealingCodec(keys) : createPlainCodec(),
    turn: async () => new Promise((resolve) => setImmediate(resolve)),
  });
  opened.defer(async () => engine.close());
  const closing = opened.move();

  async function run(): Promise<void> {
    const task = createTask(`run_${randomBytes(8).toString('hex')}`);
    await engine.start(task);
    const { signal } = new AbortController();
    let ending: RunEnding | undefined;
    for await (const { body } of engine.follow('bench', task.runId, { afterSequence: 0, signal })) {
      if (body.type === 'run-finished') ({ ending } = body.result);
    }
    if (ending?.reason !== 'completed') throw new Error(`a run ended: ${JSON.stringify(ending)}`);
  }

  return {
    name,
    run,
    takeSteps: () => {
      const taken = steps;
      steps = [];
      return taken;
    },
    takeWrites: () => {
      const taken = { ...counted };
      Object.assign(counted, { writes: 0, entries: 0 });
      return taken;
    },
    [Symbol.asyncDispose]: async () => closing.disposeAsync(),
  };
}

async function openStore(journal: Journal, directory: string): Promise<RunStore> {
  if (journal === 'off') return createMemoryRunStore();
  const { runs } = await openSqliteStore({ directory });
  return runs;
}

function countWrites(store: RunStore, counted: { writes: number; entries: number }): RunStore {
  return {
    ...store,
    create: async (...run) => {
      counted.writes += 1;
      return store.create(...run);
    },
    write: async (write) => {
      counted.writes += 1;
      counted.entries += write.entries.length;
      return store.write(write);
    },
  };
}

const clock: Clock = {
  now: () => Date.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.min(delayMs, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

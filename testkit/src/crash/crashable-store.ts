import type { RunStore } from '@modelhost/engine-embedded';
import type { SessionStore } from '@modelhost/kernel';
import type { Process } from './process.ts';

/** A disk takes longer than an engine that has nothing to do takes to see that. */
const turnsPerCommit = 3;

/** When a process is killed by its store. */
export interface CrashPlan {
  /** At which change, from 1, of this process; Infinity for never. */
  readonly atChange: number;
  /** How much of what was not acknowledged is kept all the same, from 0 to 1: always the earlier changes, each whole. */
  readonly tail: number;
}

/** A store of one process, and what it has counted. */
export interface CrashableStore {
  readonly store: RunStore;
  /** Conversations in the same file: their changes are gathered, applied and lost with those of the runs, in one order. */
  sessions(kept: SessionStore): SessionStore;
  /** Changes so far: each is a point at which the process could have been killed. */
  changes(): number;
}

interface Change {
  readonly apply: () => Promise<unknown>;
  readonly acknowledge: (value: unknown) => void;
  readonly refuse: (reason: unknown) => void;
}

/**
 * Puts a process in front of a store that survives it. Changes are gathered for a few turns and then applied in their order, as a
 * group commit does; a killed process has nothing acknowledged, and its store takes nothing more from it.
 */
export function createCrashableStore(
  kept: RunStore,
  process: Process,
  { atChange, tail }: CrashPlan,
): CrashableStore {
  let queue: Change[] = [];
  let isCommitting = false;
  let changes = 0;

  async function change<T>(apply: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (!process.isAlive()) return promise;
    changes += 1;
    // What is acknowledged is what this very change gave.
    queue.push({ apply, acknowledge: (value) => resolve(value as T), refuse: reject });
    if (changes === atChange) void crash();
    else if (!isCommitting) void commit();
    return promise;
  }

  async function commit(): Promise<void> {
    isCommitting = true;
    for (let turns = 0; turns < turnsPerCommit; turns += 1) await process.clock.turn();
    isCommitting = false;
    const batch = queue;
    queue = [];
    for (const { apply, acknowledge, refuse } of batch) {
      await apply().then(acknowledge, refuse);
    }
  }

  async function crash(): Promise<void> {
    process.kill();
    const batch = queue.slice(0, Math.round(queue.length * tail));
    queue = [];
    for (const { apply } of batch) await apply().catch(() => undefined);
  }

  async function read<T>(work: () => Promise<T>): Promise<T> {
    return process.isAlive() ? work() : new Promise<never>(() => {});
  }

  return {
    changes: () => changes,
    sessions: (held) => ({
      create: async (draft) => change(async () => held.create(draft)),
      hold: async (place, runId, insteadOf) =>
        change(async () => held.hold(place, runId, insteadOf)),
      release: async (place, runId) => change(async () => held.release(place, runId)),
      append: async (place, turn) => change(async () => held.append(place, turn)),
      delete: async (place) => change(async () => held.delete(place)),
      find: async (place) => read(async () => held.find(place)),
      list: async (tenant, filter) => read(async () => held.list(tenant, filter)),
      turns: async (place, page) => read(async () => held.turns(place, page)),
    }),
    store: {
      create: async (run, input) => change(async () => kept.create(run, input)),
      write: async (write) => change(async () => kept.write(write)),
      addSignal: async (runId, signal, options) =>
        change(async () => kept.addSignal(runId, signal, options)),
      dropEvents: async (runId, upTo) => change(async () => kept.dropEvents(runId, upTo)),
      retain: async (retention) => change(async () => kept.retain(retention)),
      find: async (runId) => read(async () => kept.find(runId)),
      read: async (runId) => read(async () => kept.read(runId)),
      list: async (tenant, page) => read(async () => kept.list(tenant, page)),
      unfinished: async (page) => read(async () => kept.unfinished(page)),
      readEvents: async (runId, options) => read(async () => kept.readEvents(runId, options)),
      check: async () => kept.check(),
      close: async () => {},
    },
  };
}

import type { RunStore } from '@modelhost/engine-embedded';
import { HostError } from '@modelhost/kernel';
import type { SessionStore } from '@modelhost/kernel';
import type { ProcessPlan } from './scenario.ts';

/** What a process meets there. */
export interface StoreFaults extends Pick<ProcessPlan, 'failingChanges' | 'failingReads'> {
  readonly refusedTurns: readonly string[];
}

/** What is kept, as one process has it. */
export interface ProcessStore {
  readonly runs: RunStore;
  readonly sessions: SessionStore;
}

/**
 * Changes and reads fail as planned, with nothing of them done, and once another process has taken over every change is refused.
 * Conversations fail with the changes alone.
 */
export function createProcessStore(
  { runs, sessions }: ProcessStore,
  { failingChanges, failingReads, refusedTurns }: StoreFaults,
  isFenced: () => boolean,
): ProcessStore {
  let changes = 0;
  let reads = 0;

  async function change<T>(work: () => Promise<T>): Promise<T> {
    changes += 1;
    if (isFenced()) throw unavailable('fenced');
    if (failingChanges.includes(changes)) throw unavailable('disk_full');
    return work();
  }

  async function read<T>(work: () => Promise<T>): Promise<T> {
    reads += 1;
    if (failingReads.includes(reads)) throw unavailable('read_failed');
    return work();
  }

  return {
    runs: {
      ...runs,
      create: async (run, input) => change(async () => runs.create(run, input)),
      write: async (write) => change(async () => runs.write(write)),
      addSignal: async (runId, signal, options) =>
        change(async () => runs.addSignal(runId, signal, options)),
      dropEvents: async (runId, upTo) => change(async () => runs.dropEvents(runId, upTo)),
      read: async (runId) => read(async () => runs.read(runId)),
    },
    sessions: {
      ...sessions,
      create: async (draft) => change(async () => sessions.create(draft)),
      hold: async (place, runId, insteadOf) =>
        change(async () => sessions.hold(place, runId, insteadOf)),
      release: async (place, runId) => change(async () => sessions.release(place, runId)),
      append: async (place, turn) =>
        change(async () => {
          if (refusedTurns.includes(turn.runId)) throw unavailable('disk_full');
          return sessions.append(place, turn);
        }),
      delete: async (place) => change(async () => sessions.delete(place)),
    },
  };
}

function unavailable(reason: string): HostError {
  return new HostError('storage_unavailable', 'the simulated store does not take it', {
    facts: { reason },
  });
}

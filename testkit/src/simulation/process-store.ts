import type { RunStore } from '@modelhost/engine-embedded';
import { HostError } from '@modelhost/kernel';
import type { ProcessPlan } from './scenario.ts';

/**
 * The store as one process has it: changes and reads fail as planned, with nothing of them done, and once another process has
 * taken over every change is refused.
 */
export function createProcessStore(
  kept: RunStore,
  plan: Pick<ProcessPlan, 'failingChanges' | 'failingReads'>,
  isFenced: () => boolean,
): RunStore {
  let changes = 0;
  let reads = 0;

  async function change<T>(work: () => Promise<T>): Promise<T> {
    changes += 1;
    if (isFenced()) throw unavailable('fenced');
    if (plan.failingChanges.includes(changes)) throw unavailable('disk_full');
    return work();
  }

  async function read<T>(work: () => Promise<T>): Promise<T> {
    reads += 1;
    if (plan.failingReads.includes(reads)) throw unavailable('read_failed');
    return work();
  }

  return {
    ...kept,
    create: async (run, input) => change(async () => kept.create(run, input)),
    write: async (write) => change(async () => kept.write(write)),
    addSignal: async (runId, signal, options) =>
      change(async () => kept.addSignal(runId, signal, options)),
    dropEvents: async (runId, upTo) => change(async () => kept.dropEvents(runId, upTo)),
    read: async (runId) => read(async () => kept.read(runId)),
  };
}

function unavailable(reason: string): HostError {
  return new HostError('storage_unavailable', 'the simulated store does not take it', {
    facts: { reason },
  });
}

import type { HostError } from '@modelhost/kernel';
import { isDamage } from './damage.ts';
import type { RunStore } from './run-store.ts';

/** The same store. Whatever is damaged of it, it is asked whether it takes anything more: once it does not for that reason, `onLost` is told. */
export function watchDamage(store: RunStore, onLost: (fault: HostError) => void): RunStore {
  let isLost = false;

  async function check(): Promise<void> {
    try {
      await store.check();
    } catch (thrown) {
      if (!isLost && isDamage(thrown)) {
        isLost = true;
        onLost(thrown);
      }
      throw thrown;
    }
  }

  async function watch<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (thrown) {
      if (isDamage(thrown) && !isLost) await check().catch(() => {});
      throw thrown;
    }
  }

  return {
    create: async (run, input) => watch(store.create(run, input)),
    write: async (write) => watch(store.write(write)),
    addSignal: async (runId, signal, bounds) => watch(store.addSignal(runId, signal, bounds)),
    find: async (runId) => watch(store.find(runId)),
    read: async (runId) => watch(store.read(runId)),
    list: async (tenant, page) => watch(store.list(tenant, page)),
    unfinished: async (page) => watch(store.unfinished(page)),
    readEvents: async (runId, options) => watch(store.readEvents(runId, options)),
    dropEvents: async (runId, upToSequence) => watch(store.dropEvents(runId, upToSequence)),
    retain: async (retention) => watch(store.retain(retention)),
    check,
    close: async () => store.close(),
  };
}

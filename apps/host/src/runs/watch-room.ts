import type { RunStore } from '@modelhost/engine-embedded';
import { HostError, toErrorData } from '@modelhost/kernel';

/** A store of runs, and whether it has room. */
export interface WatchedStore {
  readonly store: RunStore;
  /** Rejects with `storage_unavailable` when the store does, or had no room for something and still has none for as much. */
  check(): Promise<void>;
}

/** Something that there was no room for. */
interface Lack {
  readonly bytes: number;
}

/** A small write may find room where a run finds none: what was refused says how much there must be. */
export function watchRoom(options: {
  readonly store: RunStore;
  readonly check: () => Promise<void>;
  /** Rejects when so many bytes cannot be written. */
  readonly tryRoom: (bytes: number) => Promise<void>;
}): WatchedStore {
  const { store, check, tryRoom } = options;
  let lack: Lack | undefined;

  async function watch<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      if (toErrorData(thrown).facts['reason'] === 'disk_full') {
        lack = { bytes: Math.max(bytes, lack?.bytes ?? 0) };
      }
      throw thrown;
    }
  }

  return {
    store: {
      ...store,
      create: async (run, input) =>
        watch(run.status.byteLength + input.byteLength, async () => store.create(run, input)),
      write: async (write) => {
        const { entries, events, run } = write;
        const payloads = [...entries, events?.payload, run?.status];
        const bytes = payloads.reduce((sum, payload) => sum + (payload?.byteLength ?? 0), 0);
        return watch(bytes, async () => store.write(write));
      },
      addSignal: async (runId, signal, bounds) =>
        watch(signal.payload.byteLength, async () => store.addSignal(runId, signal, bounds)),
    },
    check: async () => {
      const missed = lack;
      await check();
      if (missed === undefined) return;
      await tryRoom(missed.bytes).catch((cause: unknown) => {
        throw new HostError(
          'storage_unavailable',
          `there was no room for ${missed.bytes} bytes of a run, and there is none yet; make room on the disk, or keep runs for a shorter time`,
          { cause, facts: { reason: 'disk_full' } },
        );
      });
      // Another one may have been refused meanwhile.
      if (lack === missed) lack = undefined;
    },
  };
}

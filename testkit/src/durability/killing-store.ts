import type { RunStore } from '@modelhost/engine-embedded';
import { openSqliteStore as open } from '@modelhost/store-sqlite';
import type { SqliteStore, SqliteStoreOptions } from '@modelhost/store-sqlite';

export * from '@modelhost/store-sqlite';

const query = new URL(import.meta.url).searchParams;
const killAt = Number(query.get('write'));
const isAfter = query.get('when') === 'after';

/** The host's store, but that it kills the process at one write of the runs that were started in it. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const store = await open(options);
  return { ...store, runs: killAtWrite(store.runs) };
}

function killAtWrite(runs: RunStore): RunStore {
  const started = new Set<string>();
  let writes = 0;

  async function count<T>(runId: string, write: () => Promise<T>): Promise<T> {
    if (!started.has(runId)) return write();
    writes += 1;
    const isLast = writes === killAt;
    if (isLast && !isAfter) die();
    const written = await write();
    // Durable, and nobody knows.
    if (isLast) die();
    return written;
  }

  return {
    ...runs,
    create: async (run, input) => {
      started.add(run.runId);
      return count(run.runId, async () => runs.create(run, input));
    },
    write: async (write) => count(write.runId, async () => runs.write(write)),
    addSignal: async (runId, signal, bounds) =>
      count(runId, async () => runs.addSignal(runId, signal, bounds)),
  };
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

import { dirname, join } from 'node:path';
import {
  backupSqliteStore,
  describeSqliteStore,
  openSqliteStore,
  restoreSqliteStore,
  verifySqliteStore,
} from '@modelhost/store-sqlite';
import type { Retained } from '@modelhost/engine-embedded';
import { HostError } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { KnownMark, StoreStatus } from '@modelhost/store-sqlite';
import { acceptLoss, acceptRestored } from '../data-directory/accept.ts';
import { makeDataDirectory } from '../data-directory/make-data-directory.ts';
import { readDataRecord } from '../data-directory/data-record.ts';
import type { DataPart } from '../data-directory/data-record.ts';
import type { HostConfig } from '../config/read-config.ts';
import { verifySealed } from './verify-sealed.ts';

/** What can be done to the runs and sessions of a host that is configured like this, without asking a host. */
export interface StorageTools {
  /** Where they are kept. */
  readonly directory: string;
  /** Beside a running host too, as are `verify` and `backup`. */
  status(): Promise<StoreStatus>;
  /**
   * Reads everything and opens whatever is sealed; gives how much that is. Throws `storage_unavailable` with reason `corrupt`, naming what does
   * not open; `lost` when its last writes, or its key, are missing; `no_key` for what another key has sealed.
   */
  verify(): Promise<number>;
  /** Into a file that does not exist. */
  backup(path: string): Promise<void>;
  /**
   * Into a data directory that has no runs, or what a restoration left there that was killed. Gives what is damaged or missing there, as
   * `verify` would throw it. Throws with reason `locked` while a host runs.
   */
  restore(path: string, nowMs: number): Promise<HostError | undefined>;
  /**
   * Lets the next start go on without what a part had, and put that on record. Gives what was known of it. Throws with
   * reason `locked` while a host runs.
   */
  acceptLoss(part: DataPart, nowMs: number): Promise<JsonObject>;
  /**
   * Removes what the configuration does not keep any longer, and gives the room back to the disk. Throws with reason `locked`
   * while a host runs: that removes and reuses by itself.
   */
  compact(nowMs: number): Promise<Retained>;
}

/** The directory of runs in a data directory. */
export function runsDirectoryOf(config: HostConfig): string {
  return join(config.pathOf(config.tree.server.dataDirectory), 'runs');
}

const dayMs = 86_400_000;
/** Runs that are removed before others are looked for. */
const runsPerRound = 1_000;

/** Opens nothing before it is asked. */
export function createStorageTools(
  config: HostConfig,
  environment: Readonly<Record<string, string | undefined>>,
): StorageTools {
  const directory = runsDirectoryOf(config);
  const data = dirname(directory);
  const { days, eventDays } = config.tree.runs;
  const masterKey = environment['MODEL_HOST_MASTER_KEY'];

  async function readKnown(): Promise<KnownMark | undefined> {
    return (await readDataRecord(data)).known.runs;
  }

  async function verify(): Promise<number> {
    await verifySqliteStore({ directory, known: await readKnown() });
    return verifySealed(data, masterKey);
  }

  async function compact(nowMs: number): Promise<Retained> {
    const witness = { known: await readKnown(), note: async () => {} };
    const store = await openSqliteStore({ directory, witness });
    try {
      let removed: Retained = { runs: 0, events: 0 };
      const retention = {
        runsFinishedBeforeMs: nowMs - days * dayMs,
        eventsFinishedBeforeMs: nowMs - eventDays * dayMs,
        runsMax: runsPerRound,
      };
      for (let isMore = true; isMore;) {
        // oxlint-disable-next-line no-await-in-loop -- each round goes by what the one before left
        const { runs, events, ...damaged } = await store.runs.retain(retention);
        removed = { runs: removed.runs + runs, events: removed.events + events, ...damaged };
        isMore = runs + events >= runsPerRound;
      }
      await store.compact();
      return removed;
    } finally {
      await store.close();
    }
  }

  return {
    directory,
    status: async () => describeSqliteStore({ directory }),
    verify,
    backup: async (path) => backupSqliteStore({ directory, path }),
    restore: async (from, nowMs) => {
      await makeDataDirectory(data);
      await restoreSqliteStore({
        from,
        directory,
        record: async (mark) => acceptRestored(data, mark, nowMs),
      });
      try {
        await verify();
        return undefined;
      } catch (thrown) {
        if (thrown instanceof HostError) return thrown;
        throw thrown;
      }
    },
    acceptLoss: async (part, nowMs) => acceptLoss(data, part, nowMs),
    compact,
  };
}

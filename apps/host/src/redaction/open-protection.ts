import { join } from 'node:path';
import type { Keys, Redactor } from '@modelhost/kernel';
import { loadKeys } from '@modelhost/keys-file';
import type { Logger } from 'pino';
import type { HostConfig } from '../config/read-config.ts';
import type { LogLevel } from '../config/tree.ts';
import { createSystemClock } from '../clock.ts';
import { openWitness } from '../data-directory/open-witness.ts';
import type { DataWitness } from '../data-directory/open-witness.ts';
import { createLog } from '../log.ts';
import { openRedactor } from './open-redactor.ts';

/** What there has to be before anything else, so that nothing is written or told without it. */
export interface Protection {
  readonly keys: Keys;
  readonly redactor: Redactor;
  readonly log: Logger;
  /** Of the data directory, which has its keys. */
  readonly witness: DataWitness;
}

/**
 * Loads the keys of a data directory, or makes them on the first start. Throws `config_invalid`, and `storage_unavailable` for a directory
 * that lost a part of what it had.
 */
export async function openProtection(options: {
  readonly config: HostConfig;
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly level: LogLevel;
}): Promise<Protection> {
  const { config, version, environment, level } = options;
  const directory = config.pathOf(config.tree.server.dataDirectory);
  const path = join(directory, 'master.key');
  const environmentValue = environment['MODEL_HOST_MASTER_KEY'];
  const clock = createSystemClock();
  const hasForeignKey = environmentValue !== undefined;
  const witness = await openWitness({ directory, hasForeignKey, now: () => clock.now() });
  const keys = await loadKeys({ path, environmentValue });
  witness.checkKeys(keys);
  const redactor = openRedactor(config, keys, environment);
  return { keys, redactor, log: createLog({ level, version, redactor }), witness };
}

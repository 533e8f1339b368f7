import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryRunStore } from '@modelhost/engine-embedded';
import { openSqliteStore } from '@modelhost/store-sqlite';
import { runStoreConformance } from './run-store.ts';

let directory: string | undefined;

runStoreConformance('store-sqlite', {
  open: async () => {
    directory ??= await mkdtemp(join(tmpdir(), 'run-store-'));
    return (await openSqliteStore({ directory })).runs;
  },
  isDurable: true,
  dispose: async () => {
    if (directory !== undefined) await rm(directory, { recursive: true });
  },
});

runStoreConformance('a store in memory', {
  open: async () => createMemoryRunStore(),
  isDurable: false,
  dispose: async () => {},
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemorySessionStore, createPlainCodec } from '@modelhost/engine-embedded';
import { openSqliteStore } from '@modelhost/store-sqlite';
import { sessionStoreConformance } from './session-store.ts';

sessionStoreConformance('memory', () => ({
  store: createMemorySessionStore(),
  close: async () => {},
}));

sessionStoreConformance('store-sqlite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sessions-'));
  const opened = await openSqliteStore({ directory });
  return {
    store: opened.sessions(createPlainCodec()),
    close: async () => {
      await opened.close();
      await rm(directory, { recursive: true });
    },
  };
});

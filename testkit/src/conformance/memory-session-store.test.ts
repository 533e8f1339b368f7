import { createMemorySessionStore } from '@modelhost/engine-embedded';
import { sessionStoreConformance } from './session-store.ts';

sessionStoreConformance('memory', () => ({
  store: createMemorySessionStore(),
  close: async () => {},
}));

import { createMemoryRunStore } from '@modelhost/engine-embedded';
import { createTestEngine } from '../test-engine.ts';
import { runEngineConformance } from './run-engine.ts';

runEngineConformance('engine-embedded', async ({ bounds, ...options }) => {
  const { finishedRunsMax } = bounds;
  return createTestEngine({ ...options, bounds, store: createMemoryRunStore({ finishedRunsMax }) });
});

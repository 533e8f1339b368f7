import {
  createEmbeddedEngine,
  createMemoryRunStore,
  createPlainCodec,
} from '@modelhost/engine-embedded';
import type { MakeDurableWorld } from '../conformance/durability/world.ts';
import { createCrashableStore } from './crashable-store.ts';
import { createProcess } from './process.ts';
import type { Process } from './process.ts';

/** The embedded engine in processes that are killed, over a store in memory that survives them. */
export const createEmbeddedWorld: MakeDurableWorld = ({ clock, random }) => {
  const kept = createMemoryRunStore();
  let process: Process | undefined;

  return {
    open: async ({ programs, current, bounds, crashAt = Infinity }) => {
      process?.kill();
      const opened = createProcess(clock);
      process = opened;
      const { store } = createCrashableStore(kept, opened, {
        atChange: crashAt,
        tail: random.next(),
      });
      const versions = new Map(
        Object.entries(programs).map(([version, make]) => [version, () => make(opened.clock)]),
      );
      return createEmbeddedEngine({
        programs: { current, versions },
        store,
        clock: opened.clock,
        codec: createPlainCodec(),
        turn: opened.clock.turn,
        bounds,
      });
    },
    kill: () => process?.kill(),
    died: async () => process?.died,
  };
};

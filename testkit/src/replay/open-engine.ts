import { agentLoopVersion } from '@modelhost/agent-core';
import { createEmbeddedEngine, createPlainCodec } from '@modelhost/engine-embedded';
import type { EmbeddedEngine } from '@modelhost/engine-embedded';
import type { Clock, RunProgram } from '@modelhost/kernel';
import { openSqliteStore } from '@modelhost/store-sqlite';

/** An engine on a store, and how both are closed. */
export interface OpenedEngine {
  readonly engine: EmbeddedEngine;
  readonly close: () => Promise<void>;
}

/** Opens the engine of a process, in real time, on a store on the disk. Runs that were interrupted go on. */
export async function openReplayEngine(
  directory: string,
  program: RunProgram,
): Promise<OpenedEngine> {
  const store = await openSqliteStore({ directory });
  const engine = await createEmbeddedEngine({
    programs: { current: agentLoopVersion, versions: new Map([[agentLoopVersion, () => program]]) },
    store: store.runs,
    clock,
    codec: createPlainCodec(),
    turn: async () => new Promise((resolve) => setImmediate(resolve)),
    bounds: { runsInFlightMax: 10_000 },
  });
  return {
    engine,
    close: async () => {
      await engine.close();
      await store.close();
    },
  };
}

const clock: Clock = {
  now: () => Date.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.min(delayMs, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

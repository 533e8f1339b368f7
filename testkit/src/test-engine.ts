import {
  createEmbeddedEngine,
  createMemoryRunStore,
  createPlainCodec,
} from '@modelhost/engine-embedded';
import type { EmbeddedEngine, EmbeddedEngineOptions, RunStore } from '@modelhost/engine-embedded';
import type { RunProgram } from '@modelhost/kernel';
import type { VirtualClock } from './virtual-clock.ts';

/** The embedded engine on virtual time. Without a store it keeps its runs in memory. */
export async function createTestEngine(
  options: Pick<EmbeddedEngineOptions, 'bounds' | 'onFault'> & {
    readonly program: RunProgram;
    readonly clock: Pick<VirtualClock, 'now' | 'setTimer' | 'turn'>;
    readonly store?: RunStore;
  },
): Promise<EmbeddedEngine> {
  const { program, clock, store = createMemoryRunStore(), ...rest } = options;
  return createEmbeddedEngine({
    ...rest,
    programs: { current: '1', versions: new Map([['1', () => program]]) },
    store,
    clock,
    codec: createPlainCodec(),
    turn: clock.turn,
  });
}

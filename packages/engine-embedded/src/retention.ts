import type { Clock } from '@modelhost/kernel';
import type { EngineBounds } from './bounds.ts';
import type { RunStore } from './run-store.ts';

const intervalMs = 60_000;
/** Runs that are removed at once, and how often in an interval. */
const runsMax = 100;
const roundsMax = 50;

/** Looks for what was kept long enough. */
export interface Retention {
  /** Removes it, when the last look was a while ago. */
  look(): void;
}

/** Has no timer of its own: it is told to look at the start, and whenever a run has ended. */
export function createRetention(options: {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly bounds: Pick<EngineBounds, 'runsKeptMs' | 'eventsKeptMs'>;
  readonly onFault: (thrown: unknown) => void;
}): Retention {
  const { store, clock, bounds, onFault } = options;
  let nextMs = 0;

  async function removeOld(): Promise<void> {
    const nowMs = clock.now();
    const retention = {
      runsFinishedBeforeMs: nowMs - bounds.runsKeptMs,
      eventsFinishedBeforeMs: nowMs - bounds.eventsKeptMs,
      runsMax,
    };
    for (let round = 0; round < roundsMax; round += 1) {
      const { runs, events } = await store.retain(retention);
      if (runs + events < runsMax) return;
    }
  }

  return {
    look: () => {
      if (clock.now() < nextMs) return;
      nextMs = clock.now() + intervalMs;
      void removeOld().catch(onFault);
    },
  };
}

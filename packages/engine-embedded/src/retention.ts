import { HostError } from '@modelhost/kernel';
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
  readonly clock: Pick<Clock, 'now'>;
  readonly bounds: Pick<EngineBounds, 'runsKeptMs' | 'eventsKeptMs'>;
  readonly onFault: (thrown: unknown) => void;
}): Retention {
  const { store, clock, bounds, onFault } = options;
  let nextMs = 0;
  let damagedToldOf = 0;

  async function removeOld(): Promise<void> {
    const nowMs = clock.now();
    const retention = {
      runsFinishedBeforeMs: nowMs - bounds.runsKeptMs,
      eventsFinishedBeforeMs: nowMs - bounds.eventsKeptMs,
      runsMax,
    };
    for (let round = 0; round < roundsMax; round += 1) {
      const { runs, events, damaged = 0 } = await store.retain(retention);
      if (damaged > damagedToldOf) onFault(damagedRuns(damaged));
      damagedToldOf = damaged;
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

function damagedRuns(count: number): HostError {
  const message =
    count === 1
      ? '1 run is damaged, and what is left of it stays'
      : `${count} runs are damaged, and what is left of them stays`;
  return new HostError('storage_unavailable', message, { facts: { reason: 'corrupt' } });
}

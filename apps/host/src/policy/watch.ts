import type { Clock } from '@modelhost/kernel';

/** Looks again and again until it is stopped. */
export interface Watch {
  /** No look begins after this; one that is under way is not waited for. */
  stop(): void;
}

/** Looks `everyMs` after the end of the look before; never for 0. `look` must not reject. */
export function watch(options: {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly look: () => Promise<void>;
}): Watch {
  const { clock, everyMs, look } = options;
  let cancel = (): void => {};
  let isStopped = everyMs === 0;

  function wait(): void {
    if (isStopped) return;
    cancel = clock.setTimer(everyMs, () => void look().then(wait));
  }

  wait();
  return {
    stop: () => {
      isStopped = true;
      cancel();
    },
  };
}

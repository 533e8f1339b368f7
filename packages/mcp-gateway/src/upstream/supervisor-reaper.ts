import type { Clock } from '@modelhost/kernel';

/** Notices that something has not been used for a while. */
export interface Reaper {
  /** It is there from now on. */
  start(): void;
  /** It was used. */
  readonly touch: () => void;
  stop(): void;
}

/** One timer at most, whatever the use. An `idleMs` of 0 is never over. */
export function createReaper(options: {
  readonly idleMs: number;
  readonly clock: Clock;
  /** Whether it is in use right now. */
  readonly isBusy: () => boolean;
  readonly onIdle: () => void;
}): Reaper {
  const { idleMs, clock } = options;
  let usedAtMs = 0;
  let cancelTimer: (() => void) | undefined;

  function start(): void {
    touch();
    if (idleMs > 0) cancelTimer ??= clock.setTimer(idleMs, look);
  }

  function touch(): void {
    usedAtMs = clock.now();
  }

  function look(): void {
    cancelTimer = undefined;
    if (options.isBusy()) touch();
    const leftMs = usedAtMs + idleMs - clock.now();
    if (leftMs > 0) cancelTimer = clock.setTimer(leftMs, look);
    else options.onIdle();
  }

  function stop(): void {
    cancelTimer?.();
    cancelTimer = undefined;
  }

  return { start, touch, stop };
}

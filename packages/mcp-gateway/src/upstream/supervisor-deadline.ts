import type { Clock } from '@modelhost/kernel';

/** A signal that aborts after a while, by the clock that is given, or with another signal. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Whether it was the time. */
  isOver(): boolean;
  /** To be called when nothing waits for it any more. */
  stop(): void;
}

/** Starts at once. The reason of a deadline that is over says nothing; that of the other signal is passed on. */
export function createDeadline(clock: Clock, delayMs: number, other: AbortSignal): Deadline {
  const controller = new AbortController();
  let isOver = false;
  const onAbort = (): void => controller.abort(other.reason);
  if (other.aborted) onAbort();
  else other.addEventListener('abort', onAbort, { once: true });
  const cancelTimer = clock.setTimer(delayMs, () => {
    isOver = !controller.signal.aborted;
    controller.abort();
  });
  return {
    signal: controller.signal,
    isOver: () => isOver,
    stop: () => {
      cancelTimer();
      other.removeEventListener('abort', onAbort);
    },
  };
}

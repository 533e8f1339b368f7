import type { VirtualClock } from '../virtual-clock.ts';

/** What a process has of time. */
export type ProcessClock = Pick<VirtualClock, 'now' | 'setTimer' | 'turn'>;

/** A process that can be killed: from then on nothing of it goes on, and nothing it waits for comes. */
export interface Process {
  readonly clock: ProcessClock;
  isAlive(): boolean;
  kill(): void;
  /** Resolves once it is killed. */
  readonly died: Promise<void>;
}

/** Starts alive. Its timers leave the clock when it is killed. */
export function createProcess(clock: VirtualClock): Process {
  const timers = new Set<() => void>();
  const { promise: died, resolve: die } = Promise.withResolvers<void>();
  let isAlive = true;

  function setTimer(delayMs: number, callback: () => void): () => void {
    if (!isAlive) return () => {};
    const cancelTimer = clock.setTimer(delayMs, () => {
      timers.delete(cancel);
      callback();
    });
    function cancel(): void {
      timers.delete(cancel);
      cancelTimer();
    }
    timers.add(cancel);
    return cancel;
  }

  async function turn(): Promise<void> {
    await clock.turn();
    if (!isAlive) await new Promise<never>(() => {});
  }

  return {
    clock: { now: () => clock.now(), setTimer, turn },
    isAlive: () => isAlive,
    died,
    kill: () => {
      isAlive = false;
      die();
      for (const cancel of timers) cancel();
    },
  };
}

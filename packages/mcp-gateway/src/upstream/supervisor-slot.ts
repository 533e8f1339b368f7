import type { Clock } from '@modelhost/kernel';
import type { Connection } from './connection.ts';
import { createReaper } from './supervisor-reaper.ts';

/** Room for one connection, which is let go when it is not used for a while. */
export interface Slot {
  readonly current: () => Connection | undefined;
  fill(connection: Connection): void;
  /** It is used. */
  readonly touch: () => void;
  /** Lets go of what is there; its exchanges in flight go on. False when it is not this one. */
  release(connection: Connection): boolean;
  /** For how long what is there has been there. */
  ageMs(): number;
  /** What is there is closed by somebody else. */
  clear(): void;
}

/** What a slot is made of. */
export interface SlotOptions {
  /** 0 for never. */
  readonly idleMs: number;
  readonly clock: Clock;
  /** Whether it stays though nothing is sent. */
  readonly isHeld: () => boolean;
  /** Takes over what is let go. */
  readonly retire: (connection: Connection) => void;
}

/** Empty at first. */
export function createSlot({ idleMs, clock, isHeld, retire }: SlotOptions): Slot {
  let current: Connection | undefined;
  let filledAtMs = 0;
  const reaper = createReaper({
    idleMs,
    clock,
    isBusy: () => isHeld() || (current?.exchangesInFlight() ?? 0) > 0,
    onIdle: () => void (current === undefined || release(current)),
  });

  function fill(connection: Connection): void {
    current = connection;
    filledAtMs = clock.now();
    reaper.start();
  }

  function release(connection: Connection): boolean {
    if (current !== connection) return false;
    clear();
    retire(connection);
    return true;
  }

  function clear(): void {
    current = undefined;
    reaper.stop();
  }

  return {
    current: () => current,
    fill,
    touch: reaper.touch,
    release,
    ageMs: () => clock.now() - filledAtMs,
    clear,
  };
}

import { HostError } from '@modelhost/kernel';
import type { PinStore, ServerPins } from './pin-records.ts';

/** The pins in memory, never ahead of the store: what could not be saved did not happen. */
export interface PinKeeper {
  /** Rejects with `storage_unavailable` when the pins cannot be read. */
  loaded(): Promise<void>;
  /** Undefined before the server was first seen, and before the pins are read. */
  of(alias: string): ServerPins | undefined;
  /**
   * Changes the pins of a server: after those of changes that came before, and saved when it resolves. What `next`
   * throws is thrown; it throws `overloaded` when too many changes wait, and `internal` when the store fails.
   */
  change(alias: string, next: (pins: ServerPins | undefined) => ServerPins): Promise<void>;
}

const changesWaitingMax = 1_024;

/** Begins to read at once. */
export function createPinKeeper(store: PinStore): PinKeeper {
  let servers: Readonly<Record<string, ServerPins>> = {};
  let waiting = 0;
  const reading = read();
  let last: Promise<unknown> = reading.catch(() => {});

  async function read(): Promise<void> {
    ({ servers } = await store.load());
  }

  function of(alias: string): ServerPins | undefined {
    return Object.hasOwn(servers, alias) ? servers[alias] : undefined;
  }

  async function change(
    alias: string,
    next: (pins: ServerPins | undefined) => ServerPins,
  ): Promise<void> {
    if (waiting >= changesWaitingMax) {
      throw new HostError('overloaded', `pins: ${waiting} changes wait to be saved`);
    }
    waiting += 1;
    const turn = last.then(() => changeNow(alias, next));
    last = turn.catch(() => {});
    try {
      await turn;
    } finally {
      waiting -= 1;
    }
  }

  async function changeNow(
    alias: string,
    next: (pins: ServerPins | undefined) => ServerPins,
  ): Promise<void> {
    // Without the old pins every one would be overwritten.
    await reading;
    const before = of(alias);
    const after = next(before);
    if (after === before) return;
    const changed = { ...servers, [alias]: after };
    try {
      await store.save({ servers: changed });
    } catch (cause) {
      if (cause instanceof HostError) throw cause;
      throw new HostError('internal', 'pins: they cannot be saved', { cause });
    }
    servers = changed;
  }

  return { loaded: () => reading, of, change };
}

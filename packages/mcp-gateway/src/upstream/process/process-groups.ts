import type { Clock } from '@modelhost/kernel';
import { createMemoryWatch } from './memory-watch.ts';
import type { MemoryCap } from './memory-watch.ts';
import { signalGroup } from './process-group.ts';
import { createWatchdog } from './watchdog.ts';

/** The process groups that run for one gateway, by their leaders. None of them outlives the host. */
export interface ProcessGroups {
  /** A group was started. With a cap, `onExceeded` is called once when its processes together are above it. */
  add(leader: number, cap?: MemoryCap): void;
  /** Nothing of the group is left. */
  delete(leader: number): void;
  /** Kills all of them and does not wait. */
  readonly kill: () => void;
  /** Lets go of what guards them. Whoever started groups ends them before. */
  close(): Promise<void>;
}

/** Nothing is started before the first group is. */
export function createProcessGroups(options: {
  readonly setTimer: Clock['setTimer'];
  readonly log: (message: string) => void;
}): ProcessGroups {
  const leaders = new Set<number>();
  const watchdog = createWatchdog(options.log);
  const memory = createMemoryWatch(options.setTimer);

  function add(leader: number, cap?: MemoryCap): void {
    leaders.add(leader);
    watchdog.add(leader);
    if (cap !== undefined) memory.add(leader, cap);
  }

  function remove(leader: number): void {
    leaders.delete(leader);
    watchdog.delete(leader);
    memory.delete(leader);
  }

  function kill(): void {
    for (const leader of leaders) signalGroup(leader, 'SIGKILL');
  }

  async function close(): Promise<void> {
    memory.close();
    await watchdog.close();
  }

  return { add, delete: remove, kill, close };
}

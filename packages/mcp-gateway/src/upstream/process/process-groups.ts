import type { Clock } from '@modelhost/kernel';
import { killMarked } from './marked-processes.ts';
import { createMemoryWatch } from './memory-watch.ts';
import type { MemoryCap } from './memory-watch.ts';
import { signalGroup } from './process-group.ts';
import { createWatchdog } from './watchdog.ts';

/** The process groups that run for one gateway, by their leaders. None of them outlives the host. */
export interface ProcessGroups {
  /** A group was started, with the mark in its environment. With a cap, `onExceeded` is called once when its processes together are above it. */
  add(leader: number, mark: string, cap?: MemoryCap): void;
  /** The group is over: what left it is killed. */
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
  const marks = new Map<number, string>();
  const watchdog = createWatchdog(options.log);
  const memory = createMemoryWatch(options.setTimer);

  function add(leader: number, mark: string, cap?: MemoryCap): void {
    marks.set(leader, mark);
    watchdog.add(leader, mark);
    if (cap !== undefined) memory.add(leader, cap);
  }

  function remove(leader: number): void {
    const mark = marks.get(leader);
    if (mark === undefined) return;
    killMarked(mark);
    marks.delete(leader);
    watchdog.delete(leader);
    memory.delete(leader);
  }

  function kill(): void {
    for (const [leader, mark] of marks) {
      signalGroup(leader, 'SIGKILL');
      killMarked(mark);
    }
  }

  async function close(): Promise<void> {
    memory.close();
    await watchdog.close();
  }

  return { add, delete: remove, kill, close };
}

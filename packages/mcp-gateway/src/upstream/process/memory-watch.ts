import { readdir, readFile } from 'node:fs/promises';
import type { Clock } from '@modelhost/kernel';

/** How much memory the processes of a group may have together. */
export interface MemoryCap {
  /** Resident bytes. Pages that processes share count for each of them. */
  readonly bytesMax: number;
  /** Called once, with what they had. */
  readonly onExceeded: (bytes: number) => void;
}

/** Looks now and then at how much memory process groups have. */
export interface MemoryWatch {
  add(leader: number, cap: MemoryCap): void;
  delete(leader: number): void;
  close(): void;
}

const pauseMs = 2_000;

/**
 * Looks every two seconds while there is a group with a cap, and never otherwise; a group may be above its cap for
 * that long. The limits of the kernel do not fit: RLIMIT_AS counts address space, of which a JavaScript engine reserves
 * gigabytes that it never uses, RLIMIT_RSS does nothing on Linux, and a control group needs rights that a host should
 * not have. Without /proc nothing is seen.
 */
export function createMemoryWatch(setTimer: Clock['setTimer']): MemoryWatch {
  const caps = new Map<number, MemoryCap>();
  let cancelTimer: (() => void) | undefined;
  let isLooking = false;
  let isClosed = false;

  function add(leader: number, cap: MemoryCap): void {
    caps.set(leader, cap);
    plan();
  }

  function remove(leader: number): void {
    caps.delete(leader);
    if (caps.size === 0) stop();
  }

  function plan(): void {
    if (isClosed || isLooking || caps.size === 0) return;
    cancelTimer ??= setTimer(pauseMs, () => void look());
  }

  async function look(): Promise<void> {
    cancelTimer = undefined;
    isLooking = true;
    const bytesOf = await readGroupMemory(new Set(caps.keys()));
    for (const [leader, bytes] of bytesOf) {
      const cap = caps.get(leader);
      if (cap === undefined || bytes <= cap.bytesMax) continue;
      caps.delete(leader);
      cap.onExceeded(bytes);
    }
    isLooking = false;
    plan();
  }

  function stop(): void {
    cancelTimer?.();
    cancelTimer = undefined;
  }

  return {
    add,
    delete: remove,
    close: () => {
      isClosed = true;
      stop();
    },
  };
}

/** Resident bytes of each group, as /proc has them; empty on a system without it. */
async function readGroupMemory(leaders: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
  const bytesOf = new Map<number, number>();
  const names = await readdir('/proc').catch((): readonly string[] => []);
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    // One after the other: it is not urgent, and the host has better things to do at the same time.
    const leader = await readGroup(name); // oxlint-disable-line no-await-in-loop
    if (!leaders.has(leader)) continue;
    const bytes = await readResidentBytes(name); // oxlint-disable-line no-await-in-loop
    bytesOf.set(leader, (bytesOf.get(leader) ?? 0) + bytes);
  }
  return bytesOf;
}

/** The third field behind the name of the program, which may have anything in it. */
async function readGroup(process: string): Promise<number> {
  const stat = await readProc(process, 'stat');
  const [, , group = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(group);
}

async function readResidentBytes(process: string): Promise<number> {
  const [, kibibytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(await readProc(process, 'status')) ?? [];
  return Number(kibibytes) * 1_024;
}

/** Empty for a process that has ended since the folder was read. */
async function readProc(process: string, file: string): Promise<string> {
  return await readFile(`/proc/${process}/${file}`, 'latin1').catch(() => '');
}

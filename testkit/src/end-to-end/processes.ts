import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Sends a signal to every process of a group; one that has ended meanwhile is no fault. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // None is left.
  }
}

/** Whether this system tells of processes the way that this module reads. */
export const hasProc: boolean = existsSync('/proc/self/stat');

/** The processes that this one has started and that still run. */
export function childrenOf(parent: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const [state, parentPid] = readStat(pid);
      return parentPid === String(parent) && isAlive(state);
    });
}

/** Resolves when none of these processes runs; one that has ended and is not reaped yet does not. The signal gives up. */
export async function ended(pids: readonly number[], signal: AbortSignal): Promise<void> {
  while (pids.some((pid) => isAlive(readStat(pid)[0]))) {
    // There is no event for the end of a process of somebody else.
    await delay(5, undefined, { signal }); // oxlint-disable-line no-await-in-loop
  }
}

/** The command that a process runs; empty for one that has ended. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}

function isAlive(state: string | undefined): boolean {
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** State, parent, group and so on: what follows the name of the program, which may have anything in it. */
function readStat(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    // It ended since the folder was read.
    return [];
  }
}

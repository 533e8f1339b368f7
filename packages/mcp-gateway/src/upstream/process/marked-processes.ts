import { readdirSync, readFileSync } from 'node:fs';

/** In the environment of a child, and of all that it starts unless it takes it out: tells whose they are. */
export const markName = 'MODEL_HOST_CHILD';

/**
 * Kills every process that has the mark in its environment: what left the group of its server, or its whole session, to
 * go on without it. Where there is no /proc, nothing is found.
 */
export function killMarked(mark: string): void {
  for (const pid of findMarked(mark)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended since it was found.
    }
  }
}

function findMarked(mark: string): readonly number[] {
  const entry = `${markName}=${mark}`;
  return listProcesses().filter((pid) => readEnvironment(pid).includes(entry));
}

function listProcesses(): readonly number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** What it was started with; empty for one of somebody else, or one that has ended. */
function readEnvironment(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const pollMsMin = 5;
const pollMsMax = 100;

/** How long each stage of an ending may take before the next one. */
export interface EndingTimes {
  /** After the end of input. */
  readonly inputEndMs: number;
  /** After SIGTERM. */
  readonly terminateMs: number;
  /** After SIGKILL: the time of the kernel, so only a process stuck in it outlasts this. */
  readonly killMs: number;
}

/**
 * Ends every process of the group that `leader` leads (it was spawned detached): gives those whose input has ended
 * time to leave, then SIGTERM, then SIGKILL, to all of them. Resolves when none is left, or when all stages are over.
 */
export async function endProcessGroup(leader: number, times: EndingTimes): Promise<void> {
  if (await isGoneWithin(leader, times.inputEndMs)) return;
  signalGroup(leader, 'SIGTERM');
  if (await isGoneWithin(leader, times.terminateMs)) return;
  signalGroup(leader, 'SIGKILL');
  await isGoneWithin(leader, times.killMs);
}

/** Sends a signal to every process of the group; one that has ended meanwhile is no fault. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  trySignal(leader, signal);
}

/** Whether a process of the group still runs. Where /proc tells, one that has ended and is not reaped yet does not count. */
export function isGroupRunning(leader: number): boolean {
  if (!trySignal(leader, 0)) return false;
  const states = readGroupStates(leader);
  return states === undefined || states.some((state) => state !== 'Z' && state !== 'X');
}

function trySignal(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-leader, signal);
  } catch {
    return false;
  }
}

/** There is no event for the end of a grandchild, so the group is asked for, ever less often. */
async function isGoneWithin(leader: number, timeoutMs: number): Promise<boolean> {
  let pauseMs = pollMsMin;
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += pauseMs) {
    if (!isGroupRunning(leader)) return true;
    pauseMs = Math.min(pauseMs * 2, pollMsMax, timeoutMs - waitedMs);
    // Each look comes after the pause before it.
    await delay(pauseMs); // oxlint-disable-line no-await-in-loop
  }
  return !isGroupRunning(leader);
}

/** The states of the processes of a group, as /proc has them; undefined on a system without it. */
function readGroupStates(leader: number): readonly string[] | undefined {
  try {
    const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return processes.flatMap((name) => {
      const [state = '', , group] = readStat(name);
      return group === String(leader) ? [state] : [];
    });
  } catch {
    return undefined;
  }
}

/** State, parent, group and so on: what follows the name of the program, which may have anything in it. */
function readStat(process: string): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${process}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    // It ended since the folder was read.
    return [];
  }
}

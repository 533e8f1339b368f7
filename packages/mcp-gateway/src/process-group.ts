import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 20;

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

/** Sends a signal to every process of the group; false when there is none. */
export function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-leader, signal);
  } catch {
    return false;
  }
}

/** There is no event for the end of a grandchild, so the group is asked for, a bounded number of times. */
async function isGoneWithin(leader: number, timeoutMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += pollMs) {
    if (!signalGroup(leader, 0)) return true;
    await delay(pollMs);
  }
  return !signalGroup(leader, 0);
}

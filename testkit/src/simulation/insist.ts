import { HostError } from '@modelhost/kernel';
import type { Clock } from '@modelhost/kernel';
import { ConnectionLost } from './deployment.ts';
import { pause } from './pause.ts';

/** How long a client waits before it tries again, and how often. */
const retryMs = 120;
const triesMax = 2_000;

/** Asks until it is told: when the line breaks, it does not know what was done, and asks again. */
export async function insist<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (thrown) {
      if (tries >= triesMax || !isPassing(thrown)) throw thrown;
    }
    await pause(clock, retryMs, undefined);
  }
}

function isPassing(thrown: unknown): boolean {
  if (thrown instanceof ConnectionLost) return true;
  return (
    thrown instanceof HostError &&
    (thrown.code === 'draining' || thrown.code === 'storage_unavailable')
  );
}

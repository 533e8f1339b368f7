import type { Clock } from '@modelhost/kernel';

/**
 * Waits on a clock. An abort of the signal ends the wait with its reason; without a signal nothing does. Leaves neither
 * timer nor listener.
 */
export async function pause(
  clock: Clock,
  delayMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    function onAbort(): void {
      cancelTimer();
      // The reason of a signal is whatever its owner gave; a wait hands it on.
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors
      reject(signal?.reason);
    }
    const cancelTimer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

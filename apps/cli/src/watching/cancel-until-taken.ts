import { ModelHostError } from '@modelhost/sdk';
import { readFailure } from '../failure.ts';

const firstWaitMs = 500;
const longestWaitMs = 5_000;

/** How a cancel is asked for. */
export interface CancelOptions {
  readonly runId: string;
  /** Resolves once a host has taken it. */
  readonly cancel: () => Promise<unknown>;
  readonly say: (text: string) => void;
  /** Rejects when the signal aborts. */
  readonly wait: (waitMs: number, signal: AbortSignal) => Promise<unknown>;
  /** Aborts when the run is over, or nobody watches it any more. */
  readonly signal: AbortSignal;
}

/**
 * Asks for the cancel of a run until a host has taken it: one that cannot take it now, such as with a full disk, goes on with the run
 * as soon as it can. Says why it is not taken, once. Gives whether it was; never rejects.
 */
export async function cancelUntilTaken(options: CancelOptions): Promise<boolean> {
  const { runId, cancel, say, wait, signal } = options;
  let told = '';
  for (let waitMs = firstWaitMs; !signal.aborted; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    try {
      await cancel(); // oxlint-disable-line no-await-in-loop
      return true;
    } catch (thrown) {
      if (signal.aborted) return false;
      const isPassing = thrown instanceof ModelHostError && thrown.grpcStatus === 'UNAVAILABLE';
      const { text } = readFailure(thrown);
      const outlook = isPassing
        ? 'asking again until it is'
        : `\`model-host runs cancel ${runId}\``;
      if (text !== told) say(`${text}\n${runId} is not cancelled yet, and may go on; ${outlook}`);
      told = text;
      if (!isPassing) return false;
    }
    try {
      await wait(waitMs, signal); // oxlint-disable-line no-await-in-loop
    } catch {
      return false;
    }
  }
  return false;
}

import { HostError } from '@modelhost/kernel';
import type { RunEvent } from '@modelhost/kernel';
import type { EngineBounds } from './bounds.ts';
import { createKeptEvents } from './kept-events.ts';
import type { KeptEvents } from './kept-events.ts';

/** The events of one run and who follows them. */
export interface EventStream extends Pick<KeptEvents, 'lastSequence' | 'bytes'> {
  /** Numbers an event, keeps it and wakes the followers that wait for it. */
  append(event: Omit<RunEvent, 'sequence'>): void;
  /** Events after a sequence, then live, until `run-finished`. Rejects with the signal's reason when that aborts. */
  follow(afterSequence: number, signal: AbortSignal): AsyncGenerator<RunEvent, void>;
}

/**
 * Every follower has its own cursor and reads at its own pace; one that falls behind what is kept is told so with
 * `events_expired`. An event costs nothing for followers that are busy, and one wake-up for each that waits.
 */
export function createEventStream(
  bounds: Pick<EngineBounds, 'eventsMax' | 'eventsBytesMax' | 'followersMax'>,
): EventStream {
  const { followersMax } = bounds;
  const kept = createKeptEvents(bounds);
  const waiting = new Set<() => void>();
  let followers = 0;
  let isEnded = false;

  function append(event: Omit<RunEvent, 'sequence'>): void {
    kept.push(event);
    if (event.body.type === 'run-finished') isEnded = true;
    if (waiting.size === 0) return;
    for (const wake of waiting) wake();
    waiting.clear();
  }

  async function* follow(
    afterSequence: number,
    signal: AbortSignal,
  ): AsyncGenerator<RunEvent, void> {
    if (followers >= followersMax) {
      throw new HostError('overloaded', `the run has ${followers} followers already`, {
        facts: { followers_max: String(followersMax) },
        retryAfterMs: 1_000,
      });
    }
    let next = Math.max(afterSequence, 0) + 1;
    let wake: (() => void) | undefined;
    const onAbort = (): void => wake?.();
    followers += 1;
    signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        signal.throwIfAborted();
        const event = kept.read(next);
        if (event === undefined && isEnded) return;
        if (event === undefined) {
          const woken = Promise.withResolvers<void>();
          wake = woken.resolve;
          waiting.add(wake);
          await woken.promise;
          continue;
        }
        next += 1;
        yield event;
      }
    } finally {
      followers -= 1;
      if (wake !== undefined) waiting.delete(wake);
      signal.removeEventListener('abort', onAbort);
    }
  }

  return {
    append,
    follow,
    lastSequence: () => kept.lastSequence(),
    bytes: () => kept.bytes(),
  };
}

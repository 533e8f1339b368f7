import { HostError } from '@modelhost/kernel';
import type { RunEvent, RunStatus } from '@modelhost/kernel';
import type { EventFeed } from './event-feed.ts';
import { readEventPage } from './kept-events.ts';
import type { EventSource } from './kept-events.ts';

/** What following a run needs. */
export interface Following {
  readonly source: EventSource;
  readonly feed: EventFeed;
  readonly afterSequence: number;
  readonly signal: AbortSignal;
  /** The run as it is now. */
  readonly status: () => Promise<RunStatus | undefined>;
  /** Called once, when the follower leaves. */
  readonly onLeave: () => void;
}

/**
 * Events after a sequence, then live, until `run-finished`. Every follower has its own cursor and reads at its own pace: it is
 * woken without polling, and what is no longer kept is told as one `events-dropped`. Rejects with the reason of the signal, and
 * with `failed_precondition` for a sequence beyond the newest event.
 */
export async function* followRun(following: Following): AsyncGenerator<RunEvent, void> {
  const { feed, signal, onLeave } = following;
  const leave = feed.join();
  let changed: ReturnType<EventFeed['changed']> | undefined;
  const onAbort = (): void => changed?.wake();
  signal.addEventListener('abort', onAbort);
  try {
    refuseBeyond(following);
    let next = Math.max(following.afterSequence, 0) + 1;
    for (;;) {
      signal.throwIfAborted();
      if (next > feed.lastSequence()) {
        if (feed.isEnded()) return;
        const failure = feed.failure();
        if (failure !== undefined) throw failure;
        changed = feed.changed();
        await changed.promise;
        continue;
      }
      const atHand = feed.read(next);
      const events = atHand === undefined ? await readFrom(following, next) : [atHand];
      for (const event of events) {
        signal.throwIfAborted();
        next = event.sequence + 1;
        yield event;
      }
    }
  } finally {
    changed?.wake();
    signal.removeEventListener('abort', onAbort);
    leave();
    onLeave();
  }
}

/** What was seen and is not there belongs to another past, as after a backup was restored: nothing may be told after it. */
function refuseBeyond({ source: { runId }, feed, afterSequence }: Following): void {
  const lastSequence = feed.lastSequence();
  if (afterSequence <= lastSequence) return;
  const message = `the run ${runId} has ${lastSequence} events, so none can follow number ${afterSequence}`;
  throw new HostError('failed_precondition', message, {
    facts: {
      run_id: runId,
      after_sequence: String(afterSequence),
      last_sequence: String(lastSequence),
    },
  });
}

/** The next events that are kept, with what is said in the place of those that are not. */
async function readFrom(following: Following, next: number): Promise<readonly RunEvent[]> {
  const events = await readEventPage(following.source, next - 1);
  if (events.length === 0) return endOf(following, next);
  let expected = next;
  return events.flatMap((event) => {
    const { sequence, timeMs } = event;
    const isNext = sequence === expected;
    const dropped = isNext ? [] : [droppedEvent(expected, sequence - 1, timeMs)];
    expected = sequence + 1;
    return [...dropped, event];
  });
}

/** Nothing is kept any more, but for how it ended. */
async function endOf({ feed, status }: Following, next: number): Promise<readonly RunEvent[]> {
  const known = await status();
  const lastSequence = feed.lastSequence();
  const { result, finishedAtMs } = known ?? {};
  if (result === undefined || finishedAtMs === undefined) {
    return [droppedEvent(next, lastSequence, known?.createdAtMs ?? 0)];
  }
  const body = { type: 'run-finished', result } as const;
  const end = { sequence: lastSequence, timeMs: finishedAtMs, step: '', body };
  return next === lastSequence ? [end] : [droppedEvent(next, lastSequence - 1, finishedAtMs), end];
}

function droppedEvent(fromSequence: number, toSequence: number, timeMs: number): RunEvent {
  const body = { type: 'events-dropped', fromSequence, toSequence } as const;
  return { sequence: toSequence, timeMs, step: '', body };
}

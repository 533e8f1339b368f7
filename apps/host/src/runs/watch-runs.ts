import { HostError, toErrorData } from '@modelhost/kernel';
import type { EventLog, Principal, RunEngine, RunEvent, RunStatus } from '@modelhost/kernel';
import type { RunStarts } from './run-starts.ts';

/** What a watcher is told. */
export type WatchItem =
  | { readonly type: 'run'; readonly runId: string; readonly status: RunStatus }
  | { readonly type: 'event'; readonly runId: string; readonly event: RunEvent }
  /** In the place of events that this watcher does not get; without an end: all that follow. */
  | {
      readonly type: 'gap';
      readonly runId: string;
      readonly fromSequence: number;
      readonly toSequence: number | undefined;
    };

/** What is watched. */
export interface Watch {
  readonly principal: Principal;
  /** By run: the last event that the watcher has. */
  readonly runs: ReadonlyMap<string, number>;
  /** Whether runs that the principal starts belong to it, and from when on. */
  readonly newRuns: { readonly sinceMs: number | undefined } | undefined;
  readonly signal: AbortSignal;
}

/** What watching works with. */
export interface WatchParts {
  readonly engine: RunEngine & EventLog;
  readonly starts: Pick<RunStarts, 'listen'>;
}

/** Runs that one watcher follows at a time. */
export const watchedRunsMax = 500;
/** Runs that could not be followed and that the watcher was not told of yet; it is too slow beyond. */
const untoldMax = 1_000;

/** Runs that a watch finds when it comes back. */
const pageSize = 200;

/** One run on its way: at most one of its items waits to be read, so a slow watcher keeps nothing but its place. */
interface Followed {
  readonly runId: string;
  readonly events: AsyncIterator<RunEvent>;
  lastSequence: number;
}

type Next =
  | { readonly type: 'found'; readonly runId: string }
  | { readonly type: 'left-out'; readonly runId: string }
  | { readonly type: 'event'; readonly run: Followed; readonly event: RunEvent }
  | { readonly type: 'ended'; readonly run: Followed }
  | { readonly type: 'failed'; readonly run: Followed; readonly thrown: unknown };

/**
 * The events of many runs as one stream, in the order of each run. It ends when all of them are finished, and never by itself where
 * new runs belong to it. Leaving it leaves every run.
 */
export async function* watchRuns(parts: WatchParts, watch: Watch): AsyncGenerator<WatchItem, void> {
  const { engine, starts } = parts;
  const { principal, runs, newRuns, signal } = watch;
  const stopping = new AbortController();
  const either = AbortSignal.any([signal, stopping.signal]);
  const ready = createReady(either);
  // Each start is announced once: only what is listed may be announced as well, before it or after.
  const twice = new Set<string>();
  let isListing = newRuns?.sinceMs !== undefined;
  let watched = runs.size;

  function follow(runId: string, lastSequence: number): void {
    const options = { afterSequence: lastSequence, signal: either };
    const events = engine.follow(principal.tenant, runId, options)[Symbol.asyncIterator]();
    ready.await({ runId, events, lastSequence });
  }

  function hear(runId: string): void {
    if (twice.has(runId)) return;
    if (isListing) twice.add(runId);
    find(runId);
  }

  function find(runId: string): void {
    if (runs.has(runId)) return;
    const isLeftOut = watched >= watchedRunsMax;
    if (!isLeftOut) watched += 1;
    ready.push({ type: isLeftOut ? 'left-out' : 'found', runId });
  }

  async function* tell(next: Next): AsyncGenerator<WatchItem, void> {
    switch (next.type) {
      case 'found': {
        const status = await engine.status(principal.tenant, next.runId);
        if (status === undefined) break;
        yield { type: 'run', runId: next.runId, status };
        return follow(next.runId, 0);
      }
      case 'left-out':
        return yield gapAfter(next.runId, 0);
      case 'event':
        yield itemOf(next.run, next.event);
        return ready.await(next.run);
      case 'failed':
        yield gapOrThrow(next.run, next.thrown);
        break;
      case 'ended':
        break;
    }
    watched -= 1;
  }

  // Where new runs belong to it, one may always come.
  const goesOn = (): boolean => newRuns !== undefined || watched > 0;
  const stopListening = newRuns && starts.listen(principal, hear);
  try {
    if (newRuns?.sinceMs !== undefined) {
      const listed = await startedSince(engine, principal, newRuns.sinceMs);
      isListing = false;
      for (const runId of listed) {
        if (!twice.has(runId)) find(runId);
        // A store shows a run to others before whoever starts it has heard that it is kept.
        twice.add(runId);
      }
    }
    for (const [runId, lastSequence] of runs) follow(runId, lastSequence);
    while (goesOn()) yield* tell(await ready.take());
  } finally {
    stopListening?.();
    stopping.abort();
  }
}

/** What is ready to be told, in the order in which it came: one item of each run, and news of runs within a bound. */
interface Ready {
  push(next: Extract<Next, { type: 'found' | 'left-out' }>): void;
  /** Puts the next event of the run in, once it is there. */
  await(run: Followed): void;
  /** Rejects with the reason of the signal, and with `overloaded` once there was too much news. */
  take(): Promise<Next>;
}

function createReady(signal: AbortSignal): Ready {
  const queue: Next[] = [];
  let news = 0;
  let wake = (): void => {};
  signal.addEventListener('abort', () => wake(), { once: true });

  function add(next: Next): void {
    queue.push(next);
    wake();
  }

  return {
    push: (next) => {
      news += 1;
      if (news <= untoldMax) add(next);
      else wake();
    },
    await: (run) => {
      run.events.next().then(
        ({ done, value }) =>
          add(done === true ? { type: 'ended', run } : { type: 'event', run, event: value }),
        (thrown: unknown) => add({ type: 'failed', run, thrown }),
      );
    },
    take: async () => {
      for (;;) {
        signal.throwIfAborted();
        if (news > untoldMax) throw tooSlow();
        const next = queue.shift();
        if (next !== undefined) {
          if (next.type === 'found' || next.type === 'left-out') news -= 1;
          return next;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

function tooSlow(): HostError {
  return new HostError('overloaded', 'more runs started than the watcher has read; come back', {
    retryAfterMs: 100,
  });
}

function itemOf(run: Followed, event: RunEvent): WatchItem {
  const { runId } = run;
  run.lastSequence = event.sequence;
  if (event.body.type !== 'events-dropped') return { type: 'event', runId, event };
  const { fromSequence, toSequence } = event.body;
  return { type: 'gap', runId, fromSequence, toSequence };
}

/**
 * One run that cannot be followed any more does not take the others with it. A host that shuts down does, and so does a watcher that
 * has more of a run than there is.
 */
function gapOrThrow({ runId, lastSequence }: Followed, thrown: unknown): WatchItem {
  const { code, facts } = toErrorData(thrown);
  if (code === 'draining' || facts['last_sequence'] !== undefined) throw thrown;
  return gapAfter(runId, lastSequence);
}

function gapAfter(runId: string, lastSequence: number): WatchItem {
  return { type: 'gap', runId, fromSequence: lastSequence + 1, toSequence: undefined };
}

/** The newest of the principal's runs that were created at that time or later, the oldest of them first. */
async function startedSince(
  engine: RunEngine,
  { tenant, subject }: Principal,
  sinceMs: number,
): Promise<readonly string[]> {
  const found: string[] = [];
  let pageToken: string | undefined;
  do {
    const token = pageToken === undefined ? {} : { pageToken };
    const page = await engine.list(tenant, { pageSize, ...token });
    const newer = page.runs.filter(({ createdAtMs }) => createdAtMs >= sinceMs);
    for (const { runId, principal } of newer) if (principal.subject === subject) found.push(runId);
    pageToken = newer.length < page.runs.length ? undefined : page.nextPageToken;
  } while (pageToken !== undefined && found.length < watchedRunsMax);
  return found.slice(0, watchedRunsMax).reverse();
}

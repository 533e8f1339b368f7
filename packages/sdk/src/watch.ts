import type { ClientReadableStream } from '@grpc/grpc-js';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  EventGap,
  Run,
  RunEvent,
  WatchEventsRequestSchema,
  WatchEventsResponse,
} from '@modelhost/contracts';
import { brokenError, rewoundOf, toModelHostError } from './error.ts';
import type { RewoundRun } from './error.ts';
import { readStream } from './method.ts';
import type { Patience } from './patience.ts';

/** Something that happened to one of the runs that are watched. */
export type WatchedItem =
  /** Before the first event of a run that was not asked for by its id. */
  | { readonly type: 'run'; readonly runId: string; readonly run: Run }
  | { readonly type: 'event'; readonly runId: string; readonly event: RunEvent }
  /** The caller has more of the run than there is, as after a backup was restored: what it has is void, and all events come. */
  | { readonly type: 'rewound'; readonly runId: string; readonly lastSequence: bigint }
  /** Events of the run that are missing; `toSequence` 0 means all that follow. */
  | { readonly type: 'gap'; readonly runId: string; readonly gap: EventGap };

export interface WatchOptions {
  /** Runs to follow, each with the sequence of the last event that the caller has; 0n for all. */
  readonly runs?: ReadonlyMap<string, bigint>;
  /** Also the runs of the caller that start from now on. Then it does not end by itself. */
  readonly newRuns?: boolean;
  readonly signal?: AbortSignal;
  /** Called when the host listens: what starts from then on is seen. Again after each broken connection. */
  readonly onListening?: () => void;
}

type WatchRequest = MessageInitShape<typeof WatchEventsRequestSchema>;

/** How runs are watched. */
export interface Watching extends WatchOptions {
  readonly open: (request: WatchRequest) => ClientReadableStream<WatchEventsResponse>;
  readonly patience: Patience;
}

/** Runs that can be named in one request. */
const namedMax = 500;
/** Runs that started so long before the newest one that is known are looked for no more: their news has come. */
const overlapMs = 10_000;

/** Where a run has come to. */
interface Place {
  readonly lastSequence: bigint;
  readonly isOver: boolean;
  /** Infinite for one that was asked for by its id: nobody knows. */
  readonly createdAtMs: number;
}

/**
 * Every item once, those of each run in their order, over broken connections. It throws `ModelHostError`; leaving the iteration or
 * aborting the signal cancels the call.
 */
export async function* watchRuns(watching: Watching): AsyncGenerator<WatchedItem, void> {
  const { patience, signal } = watching;
  const progress = createProgress(watching);
  for (;;) {
    try {
      const stream = watching.open(progress.request());
      stream.once('metadata', patience.reached);
      for await (const response of readStream(stream, signal)) {
        const item = progress.take(response);
        if (item === undefined) continue;
        patience.advanced();
        yield item;
      }
      if (progress.isOver()) return;
      throw brokenError('the stream ended before the runs did');
    } catch (thrown) {
      signal?.throwIfAborted();
      const error = toModelHostError(thrown);
      const rewound = rewoundOf(error);
      if (rewound !== undefined && progress.rewind(rewound)) {
        yield { type: 'rewound', ...rewound };
      } else {
        await patience.afterFailure(error, signal);
      }
    }
  }
}

/** How far a watch has come, so that it can be gone on with. */
interface Progress {
  request(): WatchRequest;
  /** Notes what came. Undefined for what the caller has already, and for what is not for it. */
  take(response: WatchEventsResponse): WatchedItem | undefined;
  /** Begins the run anew. False where nothing of it was known. */
  rewind(run: RewoundRun): boolean;
  isOver(): boolean;
}

function createProgress({
  runs = new Map(),
  newRuns = false,
  onListening,
}: WatchOptions): Progress {
  const places = new Map<string, Place>();
  for (const [runId, lastSequence] of runs) places.set(runId, { ...unknown, lastSequence });
  let sinceMs: number | undefined;

  function take(response: WatchEventsResponse): WatchedItem | undefined {
    const { item } = response;
    if (item.case !== 'started') {
      const told = takeItem(places, response);
      if (told?.type === 'run') {
        sinceMs = Math.max(sinceMs ?? 0, createdAtMsOf(told.run) - overlapMs);
        forget(places, sinceMs);
      }
      return told;
    }
    const { time } = item.value;
    if (time !== undefined) sinceMs ??= timestampMs(time);
    onListening?.();
    return undefined;
  }

  return {
    request: () => requestFor(places, newRuns, sinceMs),
    take,
    rewind: ({ runId }) => {
      const place = places.get(runId);
      if (place === undefined || place.lastSequence === 0n) return false;
      places.set(runId, { ...place, lastSequence: 0n, isOver: false });
      return true;
    },
    isOver: () => !newRuns && [...places.values()].every(({ isOver }) => isOver),
  };
}

const unknown: Place = { lastSequence: 0n, isOver: false, createdAtMs: Number.POSITIVE_INFINITY };

function requestFor(
  places: ReadonlyMap<string, Place>,
  newRuns: boolean,
  sinceMs: number | undefined,
): WatchRequest {
  const named = [...places].filter(
    ([, { isOver, createdAtMs }]) => !isOver || (newRuns && createdAtMs >= (sinceMs ?? 0)),
  );
  // Those that go on first; of the others, whatever is told again is dropped here.
  named.sort(([, one], [, other]) => Number(one.isOver) - Number(other.isOver));
  return {
    runs: named
      .slice(0, namedMax)
      .map(([runId, { lastSequence }]) => ({ runId, afterSequence: lastSequence })),
    newRuns,
    ...(newRuns && sinceMs !== undefined ? { createdAfter: timestampFromMs(sinceMs) } : {}),
  };
}

/** Notes where a run has come to. Undefined for what was told before. */
function takeItem(
  places: Map<string, Place>,
  { runId, item }: WatchEventsResponse,
): WatchedItem | undefined {
  const known = places.get(runId);
  const place = known ?? unknown;
  switch (item.case) {
    case 'run': {
      if (known !== undefined) return undefined;
      places.set(runId, { ...place, createdAtMs: createdAtMsOf(item.value) });
      return { type: 'run', runId, run: item.value };
    }
    case 'event': {
      const { sequence, event } = item.value;
      if (sequence <= place.lastSequence) return undefined;
      const isOver = event.case === 'runFinished';
      places.set(runId, { ...place, lastSequence: sequence, isOver });
      return { type: 'event', runId, event: item.value };
    }
    case 'gap': {
      const { toSequence } = item.value;
      const isOver = toSequence === 0n;
      places.set(runId, { ...place, isOver, ...(isOver ? {} : { lastSequence: toSequence }) });
      return { type: 'gap', runId, gap: item.value };
    }
    case 'started':
    case undefined:
      return undefined;
  }
}

function createdAtMsOf({ createTime }: Run): number {
  return createTime === undefined ? 0 : timestampMs(createTime);
}

/** A watch may go on for months: runs whose news cannot come again need no place. */
function forget(places: Map<string, Place>, sinceMs: number): void {
  for (const [runId, { isOver, createdAtMs }] of places) {
    if (isOver && createdAtMs < sinceMs) places.delete(runId);
  }
}

import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { WatchEventsResponseSchema } from '@modelhost/contracts';
import type { AgentService, WatchEventsRequest } from '@modelhost/contracts';
import type { Clock } from '@modelhost/kernel';
import { watchedRunsMax, watchRuns } from '../runs/watch-runs.ts';
import type { Watch, WatchItem, WatchParts } from '../runs/watch-runs.ts';
import { encodeEvent } from './event-encoder.ts';
import { createFieldReader, refuseIfAny } from './field-reader.ts';
import { findRun, readId } from './find-run.ts';
import { toRunMessage } from './run-message.ts';
import { encode } from './service.ts';
import type { CallContext, Handlers } from './service.ts';

/** What the method works with. */
export interface WatchEventsOptions extends WatchParts {
  readonly clock: Pick<Clock, 'now'>;
}

/** One stream for many runs of the caller's tenant. */
export function createWatchEvents(
  options: WatchEventsOptions,
): Handlers<typeof AgentService>['watchEvents'] {
  const { engine, clock } = options;
  return async function* watchEvents(request, { principal, signal }: CallContext) {
    const watch = readWatch(request);
    for (const runId of watch.runs.keys()) await findRun(engine, principal, runId);
    const time = timestampFromMs(clock.now());
    const items = watchRuns(options, { ...watch, principal, signal });
    // What is asked for first begins to listen, so that it is true when it is told.
    const first = items.next();
    // Whoever leaves before it was asked for has left it, too.
    first.catch(() => {});
    yield encodeItem('', { item: { case: 'started', value: { time } } });
    for (let next = await first; next.done !== true; next = await items.next()) {
      yield encodeWatched(next.value);
    }
  };
}

function readWatch(request: WatchEventsRequest): Pick<Watch, 'runs' | 'newRuns'> {
  const { runs, newRuns, createdAfter } = request;
  const reader = createFieldReader();
  const after = new Map<string, number>();
  const listed = reader.list('runs', runs, { min: newRuns ? 0 : 1, max: watchedRunsMax });
  for (const [index, { runId, afterSequence }] of listed.entries()) {
    const field = `runs[${index}]`;
    readId(reader, `${field}.run_id`, runId);
    if (after.has(runId)) reader.refuse(`${field}.run_id`, 'is there twice; name each run once');
    const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER };
    after.set(runId, reader.number(`${field}.after_sequence`, afterSequence, bounds) ?? 0);
  }
  if (createdAfter !== undefined && !newRuns) {
    reader.refuse('created_after', 'belongs to new_runs only');
  }
  refuseIfAny(reader);
  const sinceMs = createdAfter && Math.floor(timestampMs(createdAfter));
  return { runs: after, newRuns: newRuns ? { sinceMs } : undefined };
}

const tagRunId = 0x0a; // WatchEventsResponse.run_id = 1
const tagEvent = 0x22; // WatchEventsResponse.event = 4

function encodeWatched(item: WatchItem): Buffer {
  const { runId } = item;
  switch (item.type) {
    case 'event': {
      const id = Buffer.from(runId);
      // An event is encoded with its tag in other answers; the rest is the same here. No id is longer than one byte tells.
      const event = encodeEvent(item.event);
      event[0] = tagEvent;
      return Buffer.concat([Buffer.of(tagRunId, id.length), id, event]);
    }
    case 'run':
      return encodeItem(runId, { item: { case: 'run', value: toRunMessage(item.status) } });
    case 'gap': {
      const { fromSequence, toSequence = 0 } = item;
      const gap = { fromSequence: BigInt(fromSequence), toSequence: BigInt(toSequence) };
      return encodeItem(runId, { item: { case: 'gap', value: gap } });
    }
  }
}

function encodeItem(
  runId: string,
  rest: Pick<MessageInitShape<typeof WatchEventsResponseSchema>, 'item'>,
): Buffer {
  return encode(WatchEventsResponseSchema, create(WatchEventsResponseSchema, { runId, ...rest }));
}

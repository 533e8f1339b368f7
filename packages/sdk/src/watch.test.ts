import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Metadata, status } from '@grpc/grpc-js';
import { WatchEventsResponseSchema } from '@modelhost/contracts';
import { ModelHostError } from './error.ts';
import { createWaiting } from './fixtures/waiting.ts';
import { watchRuns } from './watch.ts';
import type { Watching, WatchOptions } from './watch.ts';

type Response = MessageInitShape<typeof WatchEventsResponseSchema>;
type Request = Parameters<Watching['open']>[0];

const started = (atMs: number): Response => ({
  item: { case: 'started', value: { time: timestampFromMs(atMs) } },
});
const found = (runId: string, createdAtMs: number): Response => ({
  runId,
  item: { case: 'run', value: { runId, createTime: timestampFromMs(createdAtMs) } },
});
const text = (runId: string, sequence: number): Response => ({
  runId,
  item: {
    case: 'event',
    value: { sequence: BigInt(sequence), event: { case: 'textDelta', value: { text: 'x' } } },
  },
});
const end = (runId: string, sequence: number): Response => ({
  runId,
  item: {
    case: 'event',
    value: { sequence: BigInt(sequence), event: { case: 'runFinished', value: {} } },
  },
});

/** Streams that are opened one after the other; each breaks, but the last, which ends. */
function watching(
  streams: readonly (readonly (Response | ModelHostError)[])[],
  options: WatchOptions,
): { readonly watched: Watching; readonly requests: Request[] } {
  const requests: Request[] = [];
  const open = (request: Request): ReturnType<Watching['open']> => {
    const responses = streams[requests.length] ?? [];
    const isLast = requests.length === streams.length - 1;
    requests.push(request);
    async function* items(): AsyncGenerator<object, void> {
      for (const response of responses) {
        if (response instanceof ModelHostError) throw response;
        yield create(WatchEventsResponseSchema, response);
      }
      if (isLast) return;
      const more = { code: status.UNAVAILABLE, details: 'broken', metadata: new Metadata() };
      throw Object.assign(new Error('broken'), more);
    }
    const stream = Object.assign(Readable.from(items()), { cancel: () => {} });
    // Only what the iteration uses is here.
    return stream as unknown as ReturnType<Watching['open']>;
  };
  const { patience } = createWaiting(1_000);
  return { watched: { ...options, open, patience }, requests };
}

async function read(watched: Watching): Promise<readonly string[]> {
  const told: string[] = [];
  for await (const item of watchRuns(watched)) {
    told.push(
      `${item.type} ${item.runId}${item.type === 'event' ? ` ${item.event.sequence}` : ''}`,
    );
  }
  return told;
}

function namesOf({ runs = [] }: Request): readonly (readonly [string | undefined, number])[] {
  return runs.map(({ runId, afterSequence }) => [runId, Number(afterSequence)]);
}

test('a watch goes on where it was in each run, and tells nothing twice', async () => {
  const { watched, requests } = watching(
    [
      [started(1), text('run_1', 1), text('run_2', 1), text('run_1', 2)],
      [started(2), text('run_1', 2), end('run_1', 3)],
      [started(3), text('run_2', 2), end('run_2', 3)],
    ],
    {
      runs: new Map([
        ['run_1', 0n],
        ['run_2', 0n],
      ]),
    },
  );
  assert.deepEqual(await read(watched), [
    'event run_1 1',
    'event run_2 1',
    'event run_1 2',
    'event run_1 3',
    'event run_2 2',
    'event run_2 3',
  ]);
  assert.deepEqual(requests.map(namesOf), [
    [
      ['run_1', 0],
      ['run_2', 0],
    ],
    [
      ['run_1', 2],
      ['run_2', 1],
    ],
    // What is over is not asked for again.
    [['run_2', 1]],
  ]);
});

test('new runs are asked for from where they are known, and those that are known are named', async () => {
  const { watched, requests } = watching(
    [
      [started(100_000), found('run_1', 150_000), end('run_1', 1), found('run_2', 155_000)],
      [started(200_000), found('run_1', 150_000), end('run_1', 1), found('run_3', 160_000)],
      [],
    ],
    { newRuns: true },
  );
  const told: string[] = [];
  await assert.rejects(async () => {
    for await (const item of watchRuns(watched)) told.push(`${item.type} ${item.runId}`);
  }, ModelHostError);
  assert.deepEqual(told, ['run run_1', 'event run_1', 'run run_2', 'run run_3']);
  const [first, second, third] = requests;
  assert.equal(first?.createdAfter, undefined);
  // A little before the newest, as starts may overtake one another.
  assert.deepEqual(second?.createdAfter, timestampFromMs(145_000));
  assert.deepEqual(second && namesOf(second), [
    ['run_2', 0],
    ['run_1', 1],
  ]);
  assert.deepEqual(third?.createdAfter, timestampFromMs(150_000));
});

test('a gap counts as told, and one without an end is the end of its run', async () => {
  const gap = (toSequence: bigint): Response => ({
    runId: 'run_1',
    item: { case: 'gap', value: { fromSequence: 1n, toSequence } },
  });
  const { watched, requests } = watching(
    [
      [started(1), gap(4n), text('run_1', 5)],
      [started(2), gap(0n)],
    ],
    { runs: new Map([['run_1', 0n]]) },
  );
  assert.deepEqual(await read(watched), ['gap run_1', 'event run_1 5', 'gap run_1']);
  assert.deepEqual(requests.map(namesOf), [[['run_1', 0]], [['run_1', 5]]]);
});

test('a run that has fewer events than the caller begins again, and that is told', async () => {
  const refusal = new ModelHostError('the run has 3 events', {
    code: 'failed_precondition',
    grpcStatus: 'FAILED_PRECONDITION',
    facts: { run_id: 'run_1', after_sequence: '7', last_sequence: '3' },
    violations: [],
    retryAfterMs: undefined,
  });
  const runs = new Map([
    ['run_1', 7n],
    ['run_2', 1n],
  ]);
  const { watched, requests } = watching(
    [
      [started(1), refusal],
      [started(2), text('run_1', 1), end('run_1', 2), end('run_2', 2)],
    ],
    { runs },
  );
  assert.deepEqual(await read(watched), [
    'rewound run_1',
    'event run_1 1',
    'event run_1 2',
    'event run_2 2',
  ]);
  assert.deepEqual(requests[1] && namesOf(requests[1]), [
    ['run_1', 0],
    ['run_2', 1],
  ]);
  const { watched: unasked } = watching([[refusal]], { runs: new Map([['run_2', 1n]]) });
  await assert.rejects(read(unasked), refusal);
});

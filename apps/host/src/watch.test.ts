import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import {
  ReplayVerdict,
  WatchEventsRequestSchema,
  WatchEventsResponseSchema,
} from '@modelhost/contracts';
import type { WatchEventsResponse } from '@modelhost/contracts';
import type { WatchedItem } from '@modelhost/sdk';
import { failureOf } from './fixtures/guarded-server.ts';
import { finish, watch } from './fixtures/run-watch.ts';
import { keys, startTestHost, task } from './fixtures/started-host.ts';

const started = await startTestHost();
after(async () => started[Symbol.asyncDispose]());
const alice = started.connect();

/** What the host itself answers, without what the client makes of it. */
async function* rawWatch(
  request: MessageInitShape<typeof WatchEventsRequestSchema>,
): AsyncGenerator<WatchEventsResponse, void> {
  const raw = new Client(started.host.grpcAddress, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${keys.alice.key}`);
  try {
    const stream = raw.makeServerStreamRequest(
      '/modelhost.v1.AgentService/WatchEvents',
      (bytes: Buffer) => bytes,
      (bytes) => fromBinary(WatchEventsResponseSchema, bytes),
      Buffer.from(toBinary(WatchEventsRequestSchema, create(WatchEventsRequestSchema, request))),
      metadata,
    );
    stream.on('error', () => {});
    // The stream's own type is unknown to the iteration; it was decoded above.
    for await (const response of stream) yield response as WatchEventsResponse;
  } finally {
    raw.close();
  }
}

/** By run, in their order: the sequences that were told. */
function sequencesOf(items: readonly WatchedItem[]): ReadonlyMap<string, readonly bigint[]> {
  const all = new Map<string, bigint[]>();
  for (const item of items) {
    if (item.type !== 'event') continue;
    const some = all.get(item.runId) ?? [];
    all.set(item.runId, [...some, item.event.sequence]);
  }
  return all;
}

function contiguous(from: number, count: number): readonly bigint[] {
  return Array.from({ length: count }, (_, index) => BigInt(from + index));
}

test('many runs are followed as one stream, each from where the watcher has it', async () => {
  const ids: string[] = [];
  for (let number = 0; number < 5; number += 1) {
    ids.push((await alice.startRun(task(`answer ${number}`))).runId);
  }
  for (const runId of ids) await finish(watch(alice.followRun(runId)));
  const [first = '', second = ''] = ids;
  const runs = new Map(ids.map((runId) => [runId, runId === second ? 3n : 0n]));
  const items = await Array.fromAsync(alice.watchEvents({ runs }));
  const sequences = sequencesOf(items);
  const count = sequences.get(first)?.length ?? 0;
  assert.ok(count > 5);
  for (const runId of ids) {
    const expected = runId === second ? contiguous(4, count - 3) : contiguous(1, count);
    assert.deepEqual(sequences.get(runId), expected);
  }
  // Nobody has to be told what a run is whose id it gave.
  assert.ok(items.every(({ type }) => type === 'event'));
});

test('a watcher or follower that has more of a run than there is is told, and gets all of it', async () => {
  const { runId } = await alice.startRun(task('answer once'));
  const whole = await Array.fromAsync(alice.followRun(runId));
  const lastSequence = BigInt(whole.length);
  const beyond = { afterSequence: 1_000n };
  const { code, facts } = await failureOf(Array.fromAsync(alice.followRun(runId, beyond)));
  assert.equal(code, 'failed_precondition');
  assert.equal(facts['last_sequence'], String(lastSequence));
  const rewound: unknown[] = [];
  const onRewound = (run: unknown): void => void rewound.push(run);
  assert.deepEqual(await Array.fromAsync(alice.followRun(runId, { ...beyond, onRewound })), whole);
  assert.deepEqual(rewound, [{ runId, lastSequence }]);
  const [first, ...items] = await Array.fromAsync(
    alice.watchEvents({ runs: new Map([[runId, 1_000n]]) }),
  );
  assert.deepEqual(first, { type: 'rewound', runId, lastSequence });
  assert.deepEqual(sequencesOf(items).get(runId), contiguous(1, whole.length));
});

test('runs that the caller starts from then on are seen, with what they are first', async () => {
  await finish(watch(alice.run(task('answer before'))));
  const controller = new AbortController();
  const { promise: listening, resolve: onListening } = Promise.withResolvers<void>();
  const items: WatchedItem[] = [];
  const watching = (async () => {
    const options = { newRuns: true, signal: controller.signal, onListening };
    for await (const item of alice.watchEvents(options)) {
      items.push(item);
      const isOver = (runId: string): boolean =>
        items.some(
          (one) =>
            one.runId === runId && one.type === 'event' && one.event.event.case === 'runFinished',
        );
      if (items.filter(({ type }) => type === 'run').every(({ runId }) => isOver(runId))) {
        if (new Set(items.map(({ runId }) => runId)).size === 2) return;
      }
    }
  })();
  // It begins with the first look at it.
  await listening;
  const bob = started.connect(keys.bob.key);
  await finish(watch(bob.run(task('answer of bob'))));
  const one = await alice.startRun(task('answer one'));
  const two = await alice.startRun(task('answer two'));
  await watching;
  controller.abort();
  assert.deepEqual(new Set(sequencesOf(items).keys()), new Set([one.runId, two.runId]));
  for (const runId of [one.runId, two.runId]) {
    assert.equal(items.find((item) => item.runId === runId)?.type, 'run');
  }
});

test('whoever comes back names what it knows, and gets the rest', async () => {
  const { runId: known } = await alice.startRun(task('answer known'));
  const { createTime } = await alice.getRun(known);
  const { runId: missed } = await alice.startRun(task('answer missed'));
  for (const runId of [known, missed]) await finish(watch(alice.followRun(runId)));
  const last = (await alice.getRun(known)).lastSequence;
  const stream = rawWatch({
    runs: [{ runId: known, afterSequence: last }],
    newRuns: true,
    ...(createTime === undefined ? {} : { createdAfter: createTime }),
  });
  const told: string[] = [];
  for await (const { runId, item } of stream) {
    told.push(`${item.case} ${runId}`);
    if (item.case === 'event' && item.value.event.case === 'runFinished') break;
  }
  assert.equal(told[0], 'started ');
  assert.equal(told[1], `run ${missed}`);
  assert.ok(told.slice(2).every((line) => line === `event ${missed}`));
});

test('a watch names what is wrong with it, and knows no run of another tenant', async () => {
  const { runId } = await alice.startRun(task('answer'));
  const nothing = await failureOf(Array.fromAsync(alice.watchEvents()));
  assert.deepEqual(
    nothing.violations.map(({ field }) => field),
    ['runs'],
  );
  const none = new Map([['', -1n]]);
  const wrong = await failureOf(Array.fromAsync(alice.watchEvents({ runs: none })));
  assert.deepEqual(
    wrong.violations.map(({ field }) => field),
    ['runs[0].run_id', 'runs[0].after_sequence'],
  );
  const carol = started.connect(keys.carol.key);
  const runs = new Map([[runId, 0n]]);
  assert.equal((await failureOf(Array.fromAsync(carol.watchEvents({ runs })))).code, 'not_found');
});

test('a replay gives the events that were shown, and says that they are', async () => {
  const { runId } = await alice.startRun(task('answer'));
  const shown = await Array.fromAsync(alice.followRun(runId));
  const items = await Array.fromAsync(alice.replayRun(runId));
  const last = items.at(-1);
  assert.ok(last?.case === 'result');
  assert.equal(last.value.verdict, ReplayVerdict.EQUAL);
  assert.equal(last.value.digest, last.value.recordedDigest);
  assert.match(last.value.digest, /^[0-9a-f]{64}$/);
  const events = items.flatMap((item) => (item.case === 'event' ? [item.value] : []));
  assert.deepEqual(events, shown);
});

test('a run in flight is not replayed', async () => {
  const { runId } = await alice.startRun(task('wait'));
  const refused = await failureOf(Array.fromAsync(alice.replayRun(runId)));
  assert.equal(refused.code, 'failed_precondition');
  await alice.cancelRun(runId);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import type { Principal, RunEvent, RunStatus } from '@modelhost/kernel';
import { createRunStarts } from './run-starts.ts';
import { watchedRunsMax, watchRuns } from './watch-runs.ts';
import type { Watch, WatchItem, WatchParts } from './watch-runs.ts';

const principal: Principal = { tenant: 'acme', subject: 'ann', roles: [] };
const { signal } = new AbortController();

function eventOf(sequence: number, body: RunEvent['body']): RunEvent {
  return { sequence, timeMs: 1, step: '', body };
}

const text = (sequence: number): RunEvent => eventOf(sequence, { type: 'text-delta', text: 'x' });

/** Of a run that is as old as its number. */
function statusOf(runId: string, createdAtMs: number): RunStatus {
  return {
    runId,
    principal,
    agent: 'tester',
    agentVersion: '1',
    metadata: {},
    state: 'running',
    createdAtMs,
    finishedAtMs: undefined,
    lastSequence: 0,
    waitingFor: [],
    result: undefined,
  };
}

type Follow = WatchParts['engine']['follow'];

function partsOf(
  follow: Follow,
  runs: readonly RunStatus[] = [],
): WatchParts & {
  readonly starts: ReturnType<typeof createRunStarts>;
} {
  const unused = (): never => assert.fail('nobody should ask for this');
  return {
    starts: createRunStarts(),
    engine: {
      follow,
      status: async (_tenant, runId) => statusOf(runId, 1),
      list: async () => ({ runs, nextPageToken: undefined }),
      start: unused,
      signal: unused,
      cancel: unused,
      replay: unused,
      fork: unused,
      runsInFlight: unused,
      drain: unused,
    },
  };
}

function watchOf(changes: Partial<Watch>): Watch {
  return { principal, runs: new Map(), newRuns: undefined, signal, ...changes };
}

test('events that are no longer kept are told as a gap, in their place', async () => {
  const dropped = { type: 'events-dropped', fromSequence: 3, toSequence: 9 } as const;
  const parts = partsOf(async function* follow() {
    yield text(2);
    yield eventOf(9, dropped);
    yield text(10);
  });
  const items = await Array.fromAsync(watchRuns(parts, watchOf({ runs: new Map([['run_1', 1]]) })));
  assert.deepEqual(items, [
    { type: 'event', runId: 'run_1', event: text(2) },
    { type: 'gap', runId: 'run_1', fromSequence: 3, toSequence: 9 },
    { type: 'event', runId: 'run_1', event: text(10) },
  ]);
});

test('a slow watcher has at most one event of each run waiting', async () => {
  let read = 0;
  const parts = partsOf(async function* follow() {
    for (let sequence = 1; sequence <= 100; sequence += 1) {
      read += 1;
      yield text(sequence);
    }
  });
  const runs = new Map(['run_1', 'run_2', 'run_3'].map((runId) => [runId, 0]));
  const items = watchRuns(parts, watchOf({ runs }));
  for (let taken = 1; taken <= 5; taken += 1) {
    await items.next();
    assert.ok(read <= taken + runs.size, `${read} read, ${taken} taken`);
  }
  await items.return();
});

test('a run that cannot be followed any more leaves the others alone; a host that goes ends all', async () => {
  const failing = (code: 'overloaded' | 'draining'): WatchParts =>
    partsOf(async function* follow(_tenant, runId) {
      yield text(1);
      if (runId === 'run_1') throw new HostError(code, 'no more');
      yield text(2);
    });
  const runs = new Map(['run_1', 'run_2'].map((runId) => [runId, 0]));
  const items = await Array.fromAsync(watchRuns(failing('overloaded'), watchOf({ runs })));
  assert.deepEqual(
    items.filter(({ type }) => type === 'gap'),
    [{ type: 'gap', runId: 'run_1', fromSequence: 2, toSequence: undefined }],
  );
  assert.equal(items.filter(({ runId }) => runId === 'run_2').length, 2);
  await assert.rejects(Array.fromAsync(watchRuns(failing('draining'), watchOf({ runs }))), {
    code: 'draining',
  });
});

test('a watcher that has more of a run than there is gets nothing after it', async () => {
  const beyond = new HostError('failed_precondition', 'no', { facts: { last_sequence: '4' } });
  const parts = partsOf(async function* follow(_tenant, runId) {
    if (runId === 'run_1') throw beyond;
    yield text(1);
  });
  const runs = new Map([
    ['run_1', 7],
    ['run_2', 0],
  ]);
  await assert.rejects(Array.fromAsync(watchRuns(parts, watchOf({ runs }))), beyond);
});

test('more new runs than are watched are told by their gaps, and the first of them are watched', async () => {
  const controller = new AbortController();
  const parts = partsOf(async function* follow(_tenant, _runId, options) {
    await new Promise((_resolve, reject) => {
      options.signal.addEventListener('abort', () => reject(options.signal.reason));
    });
    yield text(1);
  });
  const watching = watchOf({ newRuns: { sinceMs: undefined }, signal: controller.signal });
  const items = watchRuns(parts, watching);
  const first = items.next();
  const started = Array.from({ length: watchedRunsMax + 2 }, (_, index) => `run_${index}`);
  for (const runId of started) parts.starts.announce(principal, runId);
  // Nothing of others is told.
  parts.starts.announce({ ...principal, subject: 'bob' }, 'run_bob');
  const told: WatchItem[] = [];
  for (let next = await first; told.length < started.length; next = await items.next()) {
    if (next.done !== true) told.push(next.value);
    if (told.length === started.length) break;
  }
  assert.deepEqual(
    told.map(({ runId }) => runId),
    started,
  );
  assert.deepEqual(
    told.slice(-2).map(({ type }) => type),
    ['gap', 'gap'],
  );
  controller.abort(new HostError('cancelled', 'gone'));
  await assert.rejects(items.next(), { code: 'cancelled' });
});

test('a watcher that never reads is sent away, and its memory is bounded', async () => {
  const parts = partsOf(async function* follow() {
    yield text(1);
  });
  const items = watchRuns(parts, watchOf({ newRuns: { sinceMs: undefined } }));
  const first = items.next();
  for (let number = 0; number < 5_000; number += 1) {
    parts.starts.announce(principal, `run_${number}`);
  }
  await assert.rejects(
    async () => {
      await first;
      for (;;) await items.next();
    },
    { code: 'overloaded' },
  );
});

test('whoever comes back gets those that started meanwhile, the oldest first', async () => {
  const runs = [5, 4, 3, 2, 1].map((number) => statusOf(`run_${number}`, number * 100));
  const parts = partsOf(async function* follow() {
    yield* [];
  }, runs);
  const watching = watchOf({ runs: new Map([['run_4', 7]]), newRuns: { sinceMs: 300 } });
  const items = watchRuns(parts, watching);
  const told: string[] = [];
  for (let count = 0; count < 2; count += 1) {
    const { value } = await items.next();
    if (value?.type === 'run') told.push(value.runId);
  }
  assert.deepEqual(told, ['run_3', 'run_5']);
});

test('a run that starts while a watcher comes back is watched once', async () => {
  const parts = partsOf(async function* follow() {
    yield* [];
  });
  const started = ['run_1', 'run_2'];
  const engine: WatchParts['engine'] = {
    ...parts.engine,
    list: async () => {
      for (const runId of started) parts.starts.announce(principal, runId);
      return { runs: [statusOf('run_1', 500)], nextPageToken: undefined };
    },
  };
  const watching = watchOf({ newRuns: { sinceMs: 300 } });
  const items = watchRuns({ ...parts, engine }, watching);
  const told: string[] = [];
  while (told.length < 3) {
    const { value } = await items.next();
    if (value?.type === 'run') told.push(value.runId);
    if (told.length === 2) parts.starts.announce(principal, 'run_3');
  }
  assert.deepEqual(told, ['run_1', 'run_2', 'run_3']);
});

test('a run that is listed before its start is announced is watched once', async () => {
  const parts = partsOf(
    async function* follow() {
      yield* [];
    },
    [statusOf('run_1', 500)],
  );
  const items = watchRuns(parts, watchOf({ newRuns: { sinceMs: 300 } }));
  const told: string[] = [];
  while (told.length < 2) {
    const { value } = await items.next();
    if (value?.type === 'run') told.push(value.runId);
    if (told.length > 1) break;
    for (const runId of ['run_1', 'run_2']) parts.starts.announce(principal, runId);
  }
  assert.deepEqual(told, ['run_1', 'run_2']);
});

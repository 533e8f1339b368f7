import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { Metadata, status } from '@grpc/grpc-js';
import { ModelHostError } from './error.ts';
import { followEvents } from './follow.ts';
import type { Following } from './follow.ts';
import { eventOf } from './fixtures/stand-in.ts';
import { createWaiting } from './fixtures/waiting.ts';

/** What a call that no host answers looks like. */
function unavailable(): Error {
  const more = { code: status.UNAVAILABLE, details: 'no connection', metadata: new Metadata() };
  return Object.assign(new Error('no connection'), more);
}

/** Opens one stream after the other; each gives its sequences, then breaks. */
function following(streams: readonly (readonly number[])[]): {
  readonly options: Following;
  readonly opened: bigint[];
  readonly waits: readonly number[];
} {
  const opened: bigint[] = [];
  const { patience, waits } = createWaiting(1_000);
  const open = (afterSequence: bigint) => {
    const sequences = streams[opened.length] ?? [];
    opened.push(afterSequence);
    async function* items(): AsyncGenerator<object, void> {
      for (const sequence of sequences) yield eventOf(sequence);
      throw unavailable();
    }
    const stream = Object.assign(Readable.from(items()), { cancel: () => {} });
    // Only what the iteration uses is here.
    return stream as unknown as ReturnType<Following['open']>;
  };
  const options = { open, afterSequence: 0n, signal: undefined, patience, onRewound: undefined };
  return { options, opened, waits };
}

async function readAll(options: Following): Promise<readonly number[]> {
  const sequences: number[] = [];
  try {
    for await (const { sequence } of followEvents(options)) sequences.push(Number(sequence));
  } catch (thrown) {
    assert.ok(thrown instanceof ModelHostError, String(thrown));
    assert.equal(thrown.grpcStatus, 'UNAVAILABLE');
    return sequences;
  }
  return assert.fail('the run ended');
}

test('a host that stays away is given up when its time is over, after one last attempt', async () => {
  const { options, opened, waits } = following([]);
  assert.deepEqual(await readAll(options), []);
  assert.deepEqual(waits, [50, 100, 200, 400, 250]);
  assert.equal(opened.length, 6);
});

test('the time is counted from the newest event', async () => {
  const { options, opened, waits } = following([[], [], [1], [], [2, 3]]);
  assert.deepEqual(await readAll(options), [1, 2, 3]);
  assert.deepEqual(waits, [50, 100, 50, 100, 50, 100, 200, 400, 250]);
  assert.deepEqual(opened, [0n, 0n, 0n, 1n, 1n, 3n, 3n, 3n, 3n, 3n]);
});

test('a pause that the signal ends ends the following', async () => {
  const { options } = following([[1]]);
  const reason = new Error('enough');
  const afterFailure = async (): Promise<void> => Promise.reject(reason);
  const iterator = followEvents({ ...options, patience: { ...options.patience, afterFailure } });
  assert.equal((await iterator.next()).done, false);
  await assert.rejects(iterator.next(), reason);
});

test('a run that has fewer events than the caller begins again when that is told, and is an error without', async () => {
  const { options, opened } = following([[1, 2]]);
  const refusal = new ModelHostError('the run has 1 events', {
    code: 'failed_precondition',
    grpcStatus: 'FAILED_PRECONDITION',
    facts: { run_id: 'run_1', after_sequence: '5', last_sequence: '1' },
    violations: [],
    retryAfterMs: undefined,
  });
  const open: Following['open'] = (afterSequence) => {
    if (afterSequence === 5n) throw refusal;
    return options.open(afterSequence);
  };
  const rewound: unknown[] = [];
  const onRewound = (run: unknown): void => void rewound.push(run);
  const restored = { ...options, open, afterSequence: 5n };
  assert.deepEqual(await readAll({ ...restored, onRewound }), [1, 2]);
  assert.deepEqual(rewound, [{ runId: 'run_1', lastSequence: 1n }]);
  assert.equal(opened[0], 0n);
  await assert.rejects(Array.fromAsync(followEvents(restored)), refusal);
});

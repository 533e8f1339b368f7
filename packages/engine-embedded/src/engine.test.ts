import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noStatistics } from '@modelhost/kernel';
import type {
  Clock,
  RunEvent,
  RunInput,
  RunProgram,
  RunResult,
  RunStatus,
} from '@modelhost/kernel';
import { createPlainCodec } from './codec.ts';
import { createEmbeddedEngine } from './engine.ts';
import type { EmbeddedEngine, EmbeddedEngineOptions } from './engine.ts';
import { inputOf } from './fixtures/run-input.ts';
import { createMemoryRunStore } from './memory-run-store.ts';
import type { RunStore } from './run-store.ts';

const done: RunResult = {
  ending: { reason: 'completed', answer: 'done' },
  statistics: noStatistics,
};

test('a finished run leaves no timer set, even when steps outlive it', async () => {
  const timers = new Set<() => void>();
  const program: RunProgram = async (run) => {
    await run.step('plain', async () => 1, { timeoutMs: 1_000 });
    await run.step('cleanup', async () => 1, { isCleanup: true });
    await Promise.all([
      run.waitForSignal('answered', { timeoutMs: 1_000, approvers: [] }),
      run.step('answer', async () => {
        const payload = { type: 'tool-result', content: '', isError: false } as const;
        return engine.signal('acme', 'run_1', 'answered', payload);
      }),
    ]);
    await Promise.all([
      run.waitForSignal('never', { timeoutMs: 1_000, approvers: [] }),
      run.step('cancel', async () => engine.cancel('acme', 'run_1', 'ann')),
    ]).catch(() => undefined);
    const deaf = async (): Promise<never> => new Promise(() => {});
    void run.step('left behind', deaf, { isCleanup: true }).catch(() => {});
    return done;
  };
  const engine = await createEngine({ program, clock: createStoppedClock(timers) });
  await engine.start(inputOf('run_1'));
  await engine.drain(5_000);
  assert.equal((await engine.status('acme', 'run_1'))?.state, 'finished');
  assert.equal(timers.size, 0);
});

test('past its deadline nothing of a run begins, however late its timer is', async () => {
  let nowMs = 1_000;
  let isBegun = false;
  const program: RunProgram = async (run) => {
    await run.step('first', async () => {
      // As where the machine was suspended.
      nowMs += 3_600_000;
    });
    run.emit('late', { type: 'step-started', kind: 'model' });
    const late = run.step('late', async () => {
      isBegun = true;
    });
    const reason: unknown = await late.catch((thrown: unknown) => thrown);
    assert.deepEqual(reason, { type: 'deadline' });
    assert.deepEqual(run.signal.reason, { type: 'deadline' });
    await run.step('last', async () => 1, { isCleanup: true });
    return done;
  };
  const clock: Clock = { now: () => nowMs, setTimer: () => () => {} };
  const engine = await createEngine({ program, clock });
  await engine.start(inputOf('run_1'));
  const { signal } = new AbortController();
  const following = engine.follow('acme', 'run_1', { afterSequence: 0, signal });
  const events = await Array.fromAsync(following);
  assert.equal(isBegun, false);
  assert.deepEqual(
    events.map(({ body }) => body),
    [{ type: 'run-finished', result: done }],
  );
  const { digest, recordedDigest } = await engine.replay('acme', 'run_1');
  assert.equal(digest, recordedDigest);
  await engine.close();
});

test('finished runs are forgotten, oldest first, when their events take too much', async () => {
  const program: RunProgram = async (run) => {
    run.emit('', { type: 'text-delta', text: 'x'.repeat(10_000) });
    return done;
  };
  const clock = createStoppedClock(new Set());
  const store = createMemoryRunStore({ finishedBytesMax: 35_000 });
  const engine = await createEngine({ program, clock, store });
  for (const runId of ['run_1', 'run_2', 'run_3', 'run_4', 'run_5']) {
    await engine.start(inputOf(runId));
  }
  await engine.drain(5_000);
  const { runs } = await engine.list('acme', { pageSize: 9 });
  assert.deepEqual(
    runs.map(({ runId }) => runId),
    ['run_5', 'run_4', 'run_3'],
  );
});

test('a fork that would take over more than can be kept is refused for good, and says how much it may be', async () => {
  const program: RunProgram = async (run) => {
    const text = 'x'.repeat(3_000_000);
    for (let step = 0; step < 12; step += 1) await run.step(`step-${step}`, async () => text);
    await run.step('last', async () => 1);
    return done;
  };
  const engine = await createEngine({ program, clock: createStoppedClock(new Set()) });
  await engine.start(inputOf('run_1'));
  const { signal } = new AbortController();
  await Array.fromAsync(engine.follow('acme', 'run_1', { afterSequence: 0, signal }));
  const forkAt = async (atStep: string): Promise<{ readonly created: boolean }> =>
    engine.fork('acme', 'run_1', { runId: `run_${atStep}`, atStep, change: (input) => input });
  assert.deepEqual(await forkAt('step-11'), { created: true });
  await assert.rejects(forkAt('last'), {
    code: 'failed_precondition',
    message: /at most 33554432 bytes/,
  });
  assert.equal(await engine.status('acme', 'run_last'), undefined);
  await engine.drain(5_000);
});

test('the log learns why a run is broken, its caller does not', async () => {
  const cause = new Error('secret');
  const faults: unknown[] = [];
  const engine = await createEngine({
    program: async () => Promise.reject(cause),
    clock: createStoppedClock(new Set()),
    onFault: (runId, fault) => faults.push([runId, fault.code, fault.cause]),
  });
  await engine.start(inputOf('run_1'));
  await engine.close();
  assert.deepEqual(faults, [['run_1', 'internal', cause]]);
});

test('the log learns once of a start and of an end, however often a run is replayed', async () => {
  const told: unknown[] = [];
  const engine = await createEngine({
    program: async () => done,
    clock: createStoppedClock(new Set()),
    onStart: ({ runId, state }) => told.push(['start', runId, state]),
    onEnd: ({ runId, result }) => told.push(['end', runId, result]),
  });
  await engine.start(inputOf('run_1'));
  await engine.start(inputOf('run_1'));
  await engine.drain(5_000);
  await engine.replay('acme', 'run_1');
  assert.deepEqual(told, [
    ['start', 'run_1', 'running'],
    ['end', 'run_1', done],
  ]);
});

test('once its events are removed, a run is told by a gap and its end, and replayed all the same', async () => {
  const store = createMemoryRunStore();
  const program: RunProgram = async (run) => {
    run.emit('', { type: 'text-delta', text: 'one' });
    await run.step('work', async () => 1);
    run.emit('', { type: 'text-delta', text: 'two' });
    return done;
  };
  const engine = await createEngine({ program, clock: createStoppedClock(new Set()), store });
  await engine.start(inputOf('run_1'));
  await engine.drain(5_000);
  const { signal } = new AbortController();
  const follow = async (afterSequence: number): Promise<readonly RunEvent[]> =>
    Array.fromAsync(engine.follow('acme', 'run_1', { afterSequence, signal }));
  const whole = await follow(0);
  const removed = { runsFinishedBeforeMs: 0, eventsFinishedBeforeMs: Infinity, runsMax: 9 };
  assert.deepEqual(await store.retain(removed), { runs: 0, events: 1 });
  const gap = { type: 'events-dropped', fromSequence: 1, toSequence: 2 };
  assert.deepEqual(await follow(0), [{ ...whole[1], body: gap }, whole[2]]);
  assert.deepEqual(await follow(2), [whole[2]]);
  assert.deepEqual(await follow(3), []);
  const { events, digest, recordedDigest } = await engine.replay('acme', 'run_1');
  assert.deepEqual(events, whole);
  assert.equal(digest, recordedDigest);
});

test('events that were lost from the middle of a run are told as a gap', async () => {
  const memory = createMemoryRunStore();
  const lost = new Set([3, 5]);
  const store: RunStore = {
    ...memory,
    readEvents: async (...which) => {
      const page = await memory.readEvents(...which);
      return { ...page, events: page.events.filter((kept) => !lost.has(kept.firstSequence)) };
    },
  };
  const program: RunProgram = async (run) => {
    for (let number = 1; number <= 6; number += 1) {
      run.emit('', { type: 'text-delta', text: `${number}` });
      // What is told between two steps is kept as a whole.
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await run.step(`step-${number}`, async () => 1);
    }
    return done;
  };
  const engine = await createEngine({ program, clock: createStoppedClock(new Set()), store });
  await engine.start(inputOf('run_1'));
  await engine.drain(5_000);
  const { signal } = new AbortController();
  const told = await Array.fromAsync(engine.follow('acme', 'run_1', { afterSequence: 1, signal }));
  assert.deepEqual(
    told.map(({ sequence, body }) => `${sequence} ${body.type}`),
    [
      '2 text-delta',
      '3 events-dropped',
      '4 text-delta',
      '5 events-dropped',
      '6 text-delta',
      '7 run-finished',
    ],
  );
});

test('a signal that is on its way when a run would leave memory still reaches it', async () => {
  const resting = Promise.withResolvers<() => void>();
  const kept = Promise.withResolvers<void>();
  const adding = Promise.withResolvers<void>();
  let nowMs = 1_000;
  const clock: Clock = {
    now: () => nowMs,
    setTimer: (delayMs, callback) => {
      if (delayMs === 500) resting.resolve(callback);
      return () => {};
    },
  };
  const memory = createMemoryRunStore();
  const store: RunStore = {
    ...memory,
    addSignal: async (...signal) => {
      adding.resolve();
      await kept.promise;
      return memory.addSignal(...signal);
    },
  };
  const program: RunProgram = async (run) => {
    await run.waitForSignal('answered', { timeoutMs: 30_000, approvers: [] });
    return done;
  };
  const engine = await createEngine({ program, clock, store, bounds: { parkAfterMs: 500 } });
  await engine.start(inputOf('run_1'));
  const leave = await resting.promise;
  const payload = { type: 'tool-result', content: '', isError: false } as const;
  const sent = engine.signal('acme', 'run_1', 'answered', payload);
  await adding.promise;
  nowMs += 500;
  leave();
  kept.resolve();
  assert.deepEqual(await sent, { accepted: true });
  await engine.drain(5_000);
  assert.equal((await engine.status('acme', 'run_1'))?.state, 'finished');
});

test('a cancel reaches the bodies at work while the store takes nothing, and the program once it is journaled', async () => {
  const atWork = Promise.withResolvers<void>();
  const room = Promise.withResolvers<void>();
  const memory = createMemoryRunStore();
  let isFull = false;
  const store: RunStore = {
    ...memory,
    write: async (write) => {
      if (isFull) await room.promise;
      return memory.write(write);
    },
  };
  const seen: string[] = [];
  const program: RunProgram = async (run) => {
    run.signal.addEventListener('abort', () => seen.push('the program'), { once: true });
    const outcome = await run.step('work', async ({ signal }) => {
      const stopped = new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
      });
      atWork.resolve();
      const reason = await stopped;
      seen.push('the body');
      room.resolve();
      return JSON.stringify(reason);
    });
    seen.push(outcome);
    return done;
  };
  const engine = await createEngine({ program, clock: createStoppedClock(new Set()), store });
  await engine.start(inputOf('run_1'));
  await atWork.promise;
  isFull = true;
  await engine.cancel('acme', 'run_1', 'ann');
  await engine.drain(5_000);
  const reason = JSON.stringify({ type: 'cancelled', by: 'ann' });
  assert.deepEqual(seen, ['the body', 'the program', reason]);
});

test('a run whose program does not end once it is stopped has used what it told of last', async () => {
  const timers = new Map<number, () => void>();
  const isOver = Promise.withResolvers<void>();
  const clock: Clock = {
    now: () => 1_000,
    setTimer: (delayMs, callback) => {
      timers.set(delayMs, callback);
      if (delayMs === 777) isOver.resolve();
      return () => {};
    },
  };
  const spent = { ...noStatistics, modelCalls: 3, inputTokens: 40 };
  const usage = { inputTokens: 40, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 };
  const program: RunProgram = async (run) => {
    run.emit('turn-1', { type: 'usage', model: 'm', usage, costMicroUsd: 0, spent });
    await run.waitForSignal('never', { timeoutMs: 50, approvers: [] }).catch(() => {});
    return new Promise(() => {});
  };
  const ended = Promise.withResolvers<RunStatus>();
  const bounds = { stopTimeoutMs: 777 };
  const engine = await createEngine({ program, clock, bounds, onEnd: ended.resolve });
  await engine.start(inputOf('run_1'));
  await engine.cancel('acme', 'run_1', 'ann');
  await isOver.promise;
  timers.get(777)?.();
  const { result } = await ended.promise;
  assert.equal(result?.ending.reason, 'failed');
  assert.deepEqual(result.statistics, spent);
});

test('a request that is nested too deeply is refused before anything starts', async () => {
  const program: RunProgram = async () => done;
  const engine = await createEngine({ program, clock: createStoppedClock(new Set()) });
  let answerSchema: RunInput['answerSchema'] = {};
  for (let depth = 0; depth < 70; depth += 1) answerSchema = { not: answerSchema };
  await assert.rejects(engine.start({ ...inputOf('run_1'), answerSchema }), {
    code: 'validation_failed',
  });
  assert.equal(engine.runsInFlight(), 0);
});

/** An engine that turns as the event loop does. */
async function createEngine({
  program,
  ...options
}: Pick<EmbeddedEngineOptions, 'clock' | 'bounds' | 'onFault' | 'onStart' | 'onEnd'> & {
  readonly program: RunProgram;
  readonly store?: RunStore;
}): Promise<EmbeddedEngine> {
  return createEmbeddedEngine({
    store: createMemoryRunStore(),
    ...options,
    programs: { current: '1', versions: new Map([['1', () => program]]) },
    codec: createPlainCodec(),
    turn: async () => new Promise((resolve) => setImmediate(resolve)),
  });
}

/** A clock that stands still, and the timers that are set on it. */
function createStoppedClock(timers: Set<() => void>): Clock {
  return {
    now: () => 1_000,
    setTimer: (_delayMs, callback) => {
      const timer = (): void => callback();
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
}

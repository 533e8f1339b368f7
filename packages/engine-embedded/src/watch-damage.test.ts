import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError, noStatistics } from '@modelhost/kernel';
import type { Clock, RunProgram } from '@modelhost/kernel';
import { createPlainCodec } from './codec.ts';
import { createEmbeddedEngine } from './engine.ts';
import type { EmbeddedEngine } from './engine.ts';
import { inputOf } from './fixtures/run-input.ts';
import { createMemoryRunStore } from './memory-run-store.ts';
import { createRetention } from './retention.ts';
import type { RunStore } from './run-store.ts';

const clock: Clock = { now: () => 1_000, setTimer: () => () => {} };
const corrupt = { code: 'storage_unavailable', facts: { reason: 'corrupt' } };

/** A run that waits for an answer, and one that works. */
const runIds = ['run_waits', 'run_works'];

/** What comes upon the damage, of a store that takes nothing more. */
const findings: Readonly<Record<string, (engine: EmbeddedEngine) => Promise<unknown>>> = {
  'a start': async (engine) => engine.start(inputOf('run_new')),
  'a list': async (engine) => engine.list('acme', { pageSize: 9 }),
  'a check': async (engine) => engine.check(),
  'a cancel': async (engine) => engine.cancel('acme', 'run_waits', 'ann'),
};

for (const [finding, use] of Object.entries(findings)) {
  test(`once ${finding} finds the store damaged, nothing works on and nobody waits, and that is told once`, async () => {
    const world = await openWorld();
    const { engine, told } = world;
    const following = runIds.map((runId) => follow(engine, runId));
    await world.begun;
    world.damage();
    await assert.rejects(use(engine), corrupt);
    await Promise.all(following.map(async (one) => assert.rejects(one, corrupt)));
    await world.stopped;
    // Whoever comes later is told the same.
    await assert.rejects(engine.start(inputOf('run_later')), corrupt);
    await assert.rejects(engine.cancel('acme', 'run_works', 'ann'), corrupt);
    await assert.rejects(follow(engine, 'run_waits'), corrupt);
    await engine.close();
    assert.deepEqual(told, [[undefined, 'no run goes on: the database is damaged']]);
  });
}

test('a run that cannot even be ended leaves nobody waiting', async () => {
  const world = await openWorld();
  await stopWork(world.engine);
  await world.engine.close();
  world.damage();
  const told: [string | undefined, string][] = [];
  const engine = await createEmbeddedEngine({
    ...world.options,
    codec: {
      ...createPlainCodec(),
      decode: () => {
        throw new HostError('storage_unavailable', 'it does not open', corrupt);
      },
    },
    onFault: (runId, { message }) => told.push([runId, message]),
  });
  await assert.rejects(follow(engine, 'run_waits'), corrupt);
  await assert.rejects(engine.cancel('acme', 'run_waits', 'ann'), corrupt);
  await engine.close();
  assert.deepEqual(told, [[undefined, 'no run goes on: the database is damaged']]);
});

test('damage of one run alone takes nothing else with it', async () => {
  const { engine, store, told } = await openWorld();
  assert.equal((await engine.list('acme', { pageSize: 9 })).runs.length, runIds.length);
  store.read = async () => Promise.reject(damaged());
  await assert.rejects(engine.replay('acme', 'run_waits'), corrupt);
  assert.deepEqual(await engine.start(inputOf('run_waits_too')), { created: true });
  await stopWork(engine);
  await engine.close();
  assert.deepEqual(told, []);
});

test('runs that cannot be removed are told of when there are more of them', async () => {
  const { engine, store, told } = await openWorld();
  let damagedRuns = 1;
  store.retain = async () => ({ runs: 0, events: 0, damaged: damagedRuns });
  const looks = createRetention({
    store,
    clock: { now: () => (nowMs += 60_000) },
    bounds: { runsKeptMs: 1, eventsKeptMs: 1 },
    onFault: (thrown) => told.push([undefined, thrown instanceof Error ? thrown.message : '']),
  });
  let nowMs = 0;
  for (const damagedNow of [1, 1, 3]) {
    damagedRuns = damagedNow;
    looks.look();
    await new Promise((resolve) => setImmediate(resolve)); // oxlint-disable-line no-await-in-loop -- one after the other
  }
  assert.deepEqual(told, [
    [undefined, '1 run is damaged, and what is left of it stays'],
    [undefined, '3 runs are damaged, and what is left of them stays'],
  ]);
  await stopWork(engine);
  await engine.close();
});

/** An engine with the runs, both of them at it. */
async function openWorld(): Promise<{
  readonly engine: EmbeddedEngine;
  readonly options: Parameters<typeof createEmbeddedEngine>[0];
  readonly store: { -readonly [Name in keyof RunStore]: RunStore[Name] };
  readonly begun: Promise<void>;
  readonly stopped: Promise<void>;
  readonly told: [string | undefined, string][];
  damage(): void;
}> {
  const begun = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  const program: RunProgram = async (run, { runId }) => {
    run.emit('', { type: 'text-delta', text: 'one moment' });
    if (!runId.startsWith('run_waits')) {
      await run.step('work', async ({ signal }) => {
        begun.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        stopped.resolve();
        return null;
      });
    } else await run.waitForSignal('answered', { timeoutMs: 30_000, approvers: [] });
    return { ending: { reason: 'completed', answer: '' }, statistics: noStatistics };
  };
  const memory = createMemoryRunStore();
  const store = { ...memory };
  const told: [string | undefined, string][] = [];
  const options = {
    store,
    clock,
    codec: createPlainCodec(),
    programs: { current: '1', versions: new Map([['1', () => program]]) },
    turn: async () => new Promise<void>((resolve) => setImmediate(resolve)),
    onFault: (runId: string | undefined, { message }: HostError) => told.push([runId, message]),
  };
  const engine = await createEmbeddedEngine(options);
  for (const runId of runIds) await engine.start(inputOf(runId));
  const refuse = async (): Promise<never> => Promise.reject(damaged());
  const damage = (): void => {
    store.create = refuse;
    store.write = refuse;
    store.addSignal = refuse;
    store.list = refuse;
    store.check = refuse;
  };
  return { engine, options, store, begun: begun.promise, stopped: stopped.promise, told, damage };
}

function damaged(): HostError {
  return new HostError('storage_unavailable', 'the database is damaged', corrupt);
}

async function stopWork(engine: EmbeddedEngine): Promise<void> {
  assert.equal(await engine.cancel('acme', 'run_works', 'ann'), true);
  await follow(engine, 'run_works');
}

async function follow(engine: EmbeddedEngine, runId: string): Promise<void> {
  const { signal } = new AbortController();
  await Array.fromAsync(engine.follow('acme', runId, { afterSequence: 0, signal }));
}

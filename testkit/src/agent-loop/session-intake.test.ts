import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createSessionIntake } from '@modelhost/agent-core';
import type { SessionIntake, SessionWish } from '@modelhost/agent-core';
import { createMemorySessionStore } from '@modelhost/engine-embedded';
import { HostError } from '@modelhost/kernel';
import type { PendingSignal, RunStatus } from '@modelhost/kernel';

const principal = { tenant: 'acme', subject: 'ann', roles: [] };
const place = { tenant: 'acme', sessionId: 'ses_1' };

/** Runs that say nothing until their end, and a clock whose time is over when the test says so. */
interface World {
  readonly intake: SessionIntake;
  readonly wish: (runId: string, signal?: AbortSignal) => SessionWish;
  /** Times that somebody waits for now. */
  readonly timers: Map<() => void, number>;
  readonly pass: () => void;
}

async function createWorld(holder: Partial<RunStatus>): Promise<World> {
  const sessions = createMemorySessionStore();
  await sessions.create({ ...place, subject: 'ann', title: '', metadata: {}, createdAtMs: 0 });
  await sessions.hold(place, 'run_1');
  const timers = new Map<() => void, number>();
  const status: RunStatus = {
    runId: 'run_1',
    principal,
    agent: 'agent',
    agentVersion: '1',
    metadata: {},
    state: 'running',
    createdAtMs: 0,
    finishedAtMs: undefined,
    lastSequence: 1,
    waitingFor: [],
    result: undefined,
    ...holder,
  };
  const intake = createSessionIntake({
    sessions,
    clock: {
      setTimer: (delayMs, callback) => {
        timers.set(callback, delayMs);
        return () => timers.delete(callback);
      },
    },
    engine: {
      status: async (_tenant, runId) => (runId === 'run_1' ? status : undefined),
      // oxlint-disable-next-line require-yield -- the run says nothing more.
      follow: async function* follow(_tenant, _runId, { signal }) {
        await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        });
      },
    },
  });
  return {
    intake,
    timers,
    wish: (runId, signal = new AbortController().signal) => ({
      principal,
      sessionId: 'ses_1',
      runId,
      signal,
      timeoutMs: 10_000,
    }),
    pass: () => {
      for (const callback of timers.keys()) callback();
    },
  };
}

function waitingFor(...names: readonly string[]): Partial<RunStatus> {
  const pending = names.map((name): PendingSignal => ({ name, sinceMs: 0, approvers: [] }));
  return { state: 'waiting', waitingFor: pending };
}

async function busyIn(world: World, runId = 'run_2'): Promise<HostError> {
  const started = world.intake.start(world.wish(runId), async () => assert.fail('it was started'));
  const refused = assert.rejects(started);
  while (world.timers.size === 0) await Promise.resolve();
  assert.deepEqual([...world.timers.values()], [8_000]);
  world.pass();
  await refused;
  return started.catch((thrown: unknown) =>
    thrown instanceof HostError ? thrown : assert.fail(String(thrown)),
  );
}

suite('a run that waits for its session', () => {
  test('is told in good time which run goes on with it, and to come back', async () => {
    const error = await busyIn(await createWorld({}));
    assert.equal(error.code, 'overloaded');
    assert.deepEqual(error.facts, { session_id: 'ses_1', run_id: 'run_1' });
    assert.equal(error.message, 'the run run_1 goes on with the session ses_1');
    assert.ok((error.retryAfterMs ?? 0) > 0);
  });

  test('is told what that waits for, people first', async () => {
    for (const [waitsFor, names] of [
      ['approval', ['tool-result/call_1', 'approval/app_1/1']],
      ['input', ['tool-result/call_1', 'tool-input/inp_1']],
      ['tool_result', ['tool-result/call_1']],
    ] as const) {
      const error = await busyIn(await createWorld(waitingFor(...names)));
      assert.deepEqual(error.facts, { session_id: 'ses_1', run_id: 'run_1', waits_for: waitsFor });
      assert.match(error.message, /^the run run_1 goes on with the session ses_1, and waits for/);
    }
  });

  test('makes room when its time is over, and leaves no timer', async () => {
    const world = await createWorld({});
    await busyIn(world);
    assert.equal(world.timers.size, 0);
    await busyIn(world, 'run_3');
    assert.equal(world.timers.size, 0);
  });

  test('leaves with its own reason', async () => {
    const world = await createWorld({});
    const controller = new AbortController();
    const wish = world.wish('run_2', controller.signal);
    const started = world.intake.start(wish, async () => assert.fail('it was started'));
    controller.abort(new HostError('cancelled', 'gone'));
    await assert.rejects(started, /gone/);
    assert.equal(world.timers.size, 0);
  });

  test('may take its time to start once it is at its turn', async () => {
    const world = await createWorld({ state: 'finished' });
    const started = await world.intake.start(world.wish('run_2'), async (given) => {
      assert.equal(world.timers.size, 0);
      return given?.session.turn;
    });
    assert.equal(started, 1);
  });
});

test('a run that comes back for its session while somebody looks who has it is not over', async () => {
  const sessions = createMemorySessionStore();
  await sessions.create({ ...place, subject: 'ann', title: '', metadata: {}, createdAtMs: 0 });
  // A crash came between this and the start of the run.
  const session = await sessions.hold(place, 'run_1');
  assert.ok(session !== undefined);
  const controller = new AbortController();
  let returned: Promise<unknown> | undefined;
  const intake = createSessionIntake({
    sessions,
    clock: { setTimer: () => () => {} },
    engine: {
      status: async () => {
        const { signal } = controller;
        const wish = { principal, sessionId: 'ses_1', runId: 'run_1', signal, timeoutMs: 100 };
        returned ??= intake.start(wish, async () => sessions.find(place));
        return undefined;
      },
      follow: () => assert.fail('nobody is waited for'),
    },
  });
  assert.equal(await intake.holderOf(session), 'run_1');
  assert.deepEqual(await returned, session);
});

test('where too many wait, the next is told which run goes on with the session, too', async () => {
  const world = await createWorld(waitingFor('approval/app_1/1'));
  const controller = new AbortController();
  const all = Array.from({ length: 18 }, async (_, index) =>
    world.intake.start(world.wish(`run_${index + 2}`, controller.signal), async () => {}),
  );
  await assert.rejects(Promise.all(all), (thrown) => {
    assert.ok(thrown instanceof HostError);
    assert.equal(thrown.code, 'overloaded');
    assert.deepEqual(thrown.facts, {
      session_id: 'ses_1',
      run_id: 'run_1',
      waits_for: 'approval',
    });
    return true;
  });
  controller.abort(new HostError('cancelled', 'gone'));
  const settled = await Promise.allSettled(all);
  assert.ok(settled.every(({ status }) => status === 'rejected'));
});

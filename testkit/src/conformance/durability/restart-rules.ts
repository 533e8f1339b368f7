import assert from 'node:assert/strict';
import { HostError, toErrorData } from '@modelhost/kernel';
import type { RunContext, RunStatistics, SignalPayload, StepInfo } from '@modelhost/kernel';
import { createRunInput } from '../../run-input.ts';
import { defaultBounds, done } from '../workbench.ts';
import type { EngineUnderTest } from '../workbench.ts';
import type { DurabilityRules } from './crash-rules.ts';
import { answerOf, createBench, eventsOf, programOf } from './restart-bench.ts';

const yes: SignalPayload = { type: 'tool-result', content: 'yes', isError: false };
const no: SignalPayload = { type: 'tool-result', content: 'no', isError: false };
const patience = { timeoutMs: 50_000, approvers: [] };

function tellUsage(run: RunContext, spent: RunStatistics): void {
  const usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 };
  run.emit('', { type: 'usage', model: 'fake-1', usage, costMicroUsd: 0, spent });
}

/** What is kept of a run from one process to the next. */
export const restartRules: DurabilityRules = {
  'a signal that was acknowledged counts after a restart, and none of its name after it': async (
    makeWorld,
  ) => {
    const { open, clock, world } = createBench(makeWorld);
    const waitTwice = async (run: RunContext): Promise<unknown> => [
      await run.waitForSignal('first', patience),
      await run.waitForSignal('second', patience),
    ];
    const before = await open(waitTwice);
    await before.start(createRunInput({}));
    await clock.settle();
    const signal = async (engine: EngineUnderTest, name: string, payload: SignalPayload) =>
      (await engine.signal('acme', 'run_1', name, payload)).accepted;
    assert.equal(await signal(before, 'second', yes), true);
    world.kill();
    const after = await open(waitTwice);
    await clock.settle();
    assert.equal(await signal(after, 'second', no), false);
    assert.equal(await signal(after, 'first', no), true);
    await clock.settle();
    assert.deepEqual(await answerOf(after), [no, yes]);
    assert.equal(await signal(after, 'first', yes), false);
  },

  'a wait, a sleep and the deadline end at their time, however long the host was down': async (
    makeWorld,
  ) => {
    const { open, clock, world } = createBench(makeWorld);
    const body = async (run: RunContext): Promise<unknown> => {
      const startMs = await run.now('start');
      const late = await run.waitForSignal('never', { timeoutMs: 1_000, approvers: [] });
      const waitedMs = (await run.now('waited')) - startMs;
      await run.sleepUntil('sleep', startMs + 10_000);
      return [late ?? null, waitedMs, (await run.now('slept')) - startMs];
    };
    const before = await open(body);
    await before.start(createRunInput({}));
    await before.start(createRunInput({ runId: 'run_2', limits: { durationMsMax: 700 } }));
    await clock.advance(400);
    world.kill();
    await clock.advance(500);
    const between = await open(body);
    await clock.advance(99);
    assert.equal((await between.status('acme', 'run_1'))?.waitingFor.length, 1);
    assert.equal((await between.status('acme', 'run_2'))?.state, 'finished');
    await clock.advance(1);
    assert.deepEqual((await between.status('acme', 'run_1'))?.waitingFor, []);
    world.kill();
    await clock.advance(20_000);
    const after = await open(body);
    await clock.advance(0);
    assert.deepEqual(await answerOf(after), [null, 1_000, 21_000]);
  },

  'a cancel that was acknowledged stops the run after a restart': async (makeWorld) => {
    const { open, clock, world } = createBench(makeWorld);
    const body = async (run: RunContext): Promise<unknown> =>
      run.waitForSignal('never', patience).catch(() => run.signal.reason);
    const before = await open(body);
    await before.start(createRunInput({}));
    await clock.settle();
    assert.equal(await before.cancel('acme', 'run_1', 'ann'), true);
    world.kill();
    const after = await open(body);
    await clock.settle();
    assert.deepEqual(await answerOf(after), { type: 'cancelled', by: 'ann' });
    assert.equal(await after.cancel('acme', 'run_1', 'ann'), false);
  },

  'what a run was at begins no more after a cancel that was acknowledged, nor once its time is over':
    async (makeWorld) => {
      const { open, clock, world } = createBench(makeWorld);
      const begun: string[] = [];
      const body = async (run: RunContext): Promise<unknown> => {
        await run.step('first', async () => 1);
        const work = async (): Promise<never> => {
          begun.push(run.runId);
          return new Promise(() => {});
        };
        return run.step('work', work).catch(() => run.signal.reason);
      };
      const before = await open(body);
      await before.start(createRunInput({}));
      await before.start(createRunInput({ runId: 'run_2', limits: { durationMsMax: 700 } }));
      await clock.settle();
      assert.equal(await before.cancel('acme', 'run_1', 'ann'), true);
      world.kill();
      await clock.advance(1_000);
      const after = await open(body);
      await clock.settle();
      assert.deepEqual(begun, ['run_1', 'run_2']);
      assert.deepEqual(await answerOf(after), { type: 'cancelled', by: 'ann' });
      assert.deepEqual(await answerOf(after, 'run_2'), { type: 'deadline' });
    },

  'a program is told how many bodies were lost of a step that gives nothing, again in a replay, and what they told is kept':
    async (makeWorld) => {
      const { open, clock, world } = createBench(makeWorld);
      const body = async (run: RunContext): Promise<unknown> => {
        const lost: unknown[] = [];
        const onLost = (attempts: number): void => {
          lost.push(attempts);
          run.emit('work', { type: 'text-delta', text: `${attempts} lost` });
        };
        const work = async (info: StepInfo): Promise<never> => {
          info.emit({ type: 'text-delta', text: `try ${info.attempt}` });
          return new Promise(() => {});
        };
        await run.step('work', work, { onLost }).catch((thrown: unknown) => lost.push(thrown));
        return lost;
      };
      const limits = { durationMsMax: 700 };
      const before = await open(body);
      await before.start(createRunInput({ limits }));
      await clock.settle();
      world.kill();
      await open(body);
      await clock.settle();
      world.kill();
      await clock.advance(1_000);
      const after = await open(body);
      await clock.settle();
      assert.deepEqual(await answerOf(after), [2, { type: 'deadline' }]);
      const events = await eventsOf(after);
      assert.deepEqual(
        events.map(({ body: told }) => (told.type === 'text-delta' ? told.text : told.type)),
        ['try 1', 'step-reset', 'try 2', '2 lost', 'run-finished'],
      );
      const { events: again } = await after.replay('acme', 'run_1');
      assert.equal(JSON.stringify(again), JSON.stringify(events));
    },

  'of a step that failed at last, the attempts before are lost': async (makeWorld) => {
    const { open, clock, world } = createBench(makeWorld);
    const lost: number[] = [];
    const body = async (run: RunContext): Promise<unknown> => {
      const work = async ({ attempt, emit }: StepInfo): Promise<void> => {
        // With this its beginning is durable too.
        emit({ type: 'text-delta', text: 'begun' });
        if (attempt > 1) throw new HostError('provider_unavailable', 'it failed');
        return new Promise(() => {});
      };
      const onLost = (attempts: number): void => void lost.push(attempts);
      return run
        .step('work', work, { onLost })
        .catch((thrown: unknown) => toErrorData(thrown).code);
    };
    const before = await open(body);
    await before.start(createRunInput({}));
    await clock.settle();
    world.kill();
    const after = await open(body);
    await clock.settle();
    assert.equal(await answerOf(after), 'provider_unavailable');
    assert.deepEqual(lost, [1]);
  },

  'a run of a version that the host does not have fails and says which, and one that it has goes on':
    async (makeWorld) => {
      const { open, clock, world } = createBench(makeWorld);
      const body = async (run: RunContext): Promise<unknown> => run.waitForSignal('go', patience);
      const before = await open(body);
      await before.start(createRunInput({}));
      await clock.settle();
      world.kill();
      const other = async (run: RunContext): Promise<unknown> => {
        for (const modelCalls of [1, 2]) tellUsage(run, { ...done.statistics, modelCalls });
        return run.waitForSignal('stay', patience);
      };
      const programs = { '1': () => programOf(body), '2': () => programOf(other) };
      const both = await open(body, { programs, current: '2' });
      await both.start(createRunInput({ runId: 'run_2' }));
      await clock.settle();
      await both.signal('acme', 'run_1', 'go', yes);
      await clock.settle();
      assert.deepEqual(await answerOf(both), yes);
      world.kill();
      await clock.advance(5);
      const old = await open(body);
      await clock.settle();
      const { ending, statistics } = (await old.status('acme', 'run_2'))?.result ?? {};
      // Nobody can go on with it, but what it used stays used.
      assert.deepEqual(statistics, { ...done.statistics, modelCalls: 2, durationMs: 5 });
      assert.ok(ending?.reason === 'failed');
      assert.equal(ending.error.code, 'failed_precondition');
      assert.match(ending.error.message, /version 2 .* has 1/);
      await assert.rejects(old.replay('acme', 'run_2'), { code: 'failed_precondition' });
    },

  'a program that does otherwise than is journaled is never misread': async (makeWorld) => {
    const { open, clock, world } = createBench(makeWorld);
    const body =
      (step: string, told: string) =>
      async (run: RunContext): Promise<unknown> => {
        run.emit('', { type: 'text-delta', text: told });
        if (told === '') run.emit('', { type: 'text-delta', text: 'more' });
        await run.step(step, async () => 1);
        tellUsage(run, done.statistics);
        return run.waitForSignal('go', patience);
      };
    for (const [index, other] of [body('two', 'a'), async () => null].entries()) {
      const runId = `run_${index + 1}`;
      const before = await open(body('one', 'a'));
      await before.start(createRunInput({ runId }));
      await clock.settle();
      world.kill();
      const after = await open(other);
      await clock.settle();
      const { ending, statistics } = (await after.status('acme', runId))?.result ?? {};
      assert.equal(statistics?.inputTokens, done.statistics.inputTokens);
      assert.ok(ending?.reason === 'failed');
      assert.equal(ending.error.code, 'internal');
      assert.match(ending.error.message, /one/);
      await assert.rejects(after.replay('acme', runId), { code: 'failed_precondition' });
    }
  },

  'a drain lets go of what waits, and it goes on in the next process': async (makeWorld) => {
    const { open, clock } = createBench(makeWorld);
    let bodies = 0;
    const body = async (run: RunContext): Promise<unknown> => {
      await run.step('once', async () => {
        bodies += 1;
      });
      return run.waitForSignal('go', patience);
    };
    const before = await open(body);
    await before.start(createRunInput({}));
    await clock.settle();
    const drained = before.drain(5_000);
    await clock.advance(1);
    assert.deepEqual(await drained, { interrupted: 0 });
    await before.close();
    const after = await open(body);
    await after.signal('acme', 'run_1', 'go', yes);
    await clock.settle();
    assert.deepEqual(await answerOf(after), yes);
    assert.equal(bodies, 1);
  },

  'a parked run can be followed, signalled, cancelled and listed like any other': async (
    makeWorld,
  ) => {
    const { open, clock } = createBench(makeWorld);
    const body = async (run: RunContext): Promise<unknown> => {
      run.emit('', { type: 'text-delta', text: 'here' });
      const given: unknown = await run.waitForSignal('go', patience).catch(() => run.signal.reason);
      run.emit('', { type: 'text-delta', text: 'there' });
      return given;
    };
    const engine = await open(body, { bounds: { ...defaultBounds, parkAfterMs: 100 } });
    await engine.start(createRunInput({}));
    await engine.start(createRunInput({ runId: 'run_2' }));
    const following = eventsOf(engine);
    await clock.advance(100);
    assert.equal(engine.runsInFlight(), 0);
    const { runs } = await engine.list('acme', { state: 'waiting', pageSize: 9 });
    assert.deepEqual(
      runs.map(({ runId }) => runId),
      ['run_2', 'run_1'],
    );
    assert.equal((await engine.signal('acme', 'run_1', 'go', yes)).accepted, true);
    assert.equal(await engine.cancel('acme', 'run_2', 'ann'), true);
    const events = await following;
    assert.deepEqual(
      events.map(({ body: { type } }) => type),
      ['text-delta', 'text-delta', 'run-finished'],
    );
    await clock.settle();
    assert.deepEqual(await answerOf(engine), yes);
    assert.deepEqual(await answerOf(engine, 'run_2'), { type: 'cancelled', by: 'ann' });
    assert.deepEqual(await eventsOf(engine, 1), events.slice(1));
  },

  'a parked run that is cancelled ends at once, whoever follows is told, and an answer comes too late':
    async (makeWorld) => {
      for (const parkAfterMs of [0, 100]) {
        const { open, clock, world } = createBench(makeWorld);
        const body = async (run: RunContext): Promise<unknown> =>
          run.waitForSignal('go', patience).catch(() => run.signal.reason);
        const bounds = { ...defaultBounds, parkAfterMs };
        const engine = await open(body, { bounds });
        await engine.start(createRunInput({}));
        await engine.start(createRunInput({ runId: 'run_2' }));
        const following = eventsOf(engine);
        await clock.advance(100);
        assert.equal(engine.runsInFlight(), 0);
        assert.equal(await engine.cancel('acme', 'run_1', 'ann'), true);
        assert.equal(await engine.cancel('acme', 'run_2', 'ann'), true);
        await clock.settle();
        const end = { type: 'cancelled', by: 'ann' };
        assert.deepEqual([await answerOf(engine), await answerOf(engine, 'run_2')], [end, end]);
        const events = await following;
        assert.equal(events.at(-1)?.body.type, 'run-finished');
        assert.deepEqual(await engine.signal('acme', 'run_1', 'go', yes), { accepted: false });
        assert.equal(await engine.cancel('acme', 'run_1', 'ann'), false);
        assert.equal(clock.pending(), 0, 'no timer is left');
        world.kill();
      }
    },

  'a start that was not acknowledged may be tried again, and is one run': async (makeWorld) => {
    for (const crashAt of [1, 2]) {
      const { open, clock, world } = createBench(makeWorld);
      const body = async (run: RunContext): Promise<unknown> => run.step('one', async () => 1);
      const before = await open(body, { crashAt });
      void before.start(createRunInput({}));
      await clock.settle();
      await world.died();
      const after = await open(body);
      await after.start(createRunInput({}));
      await clock.settle();
      assert.deepEqual(await after.start(createRunInput({})), { created: false });
      assert.equal(await answerOf(after), 1);
      assert.equal((await after.list('acme', { pageSize: 9 })).runs.length, 1);
      const other = createRunInput({ metadata: { other: 'yes' } });
      const refusal = await after.start(other).catch(toErrorData);
      assert.ok('code' in refusal && refusal.code === 'request_conflict');
    }
  },
};

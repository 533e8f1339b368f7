import assert from 'node:assert/strict';
import { toErrorData } from '@modelhost/kernel';
import type { ErrorData, RunEvent, RunInput, RunResult } from '@modelhost/kernel';
import { createRunInput } from '../../run-input.ts';
import { createRandom } from '../../simulation/random.ts';
import type { Random } from '../../simulation/random.ts';
import { createVirtualClock } from '../../virtual-clock.ts';
import { defaultBounds, done, rejection } from '../workbench.ts';
import type { DurabilityRules } from './crash-rules.ts';
import { assertDurable, driveRun } from './drive.ts';
import { drawPlan } from './draw-plan.ts';
import { flatten } from './plan.ts';
import type { Action } from './plan.ts';
import type { DurableWorld } from './world.ts';

/** Runs that go on from others. */
export const forkRules: DurabilityRules = {
  'a fork takes over what led to a step, and does that step and what follows anew': async (
    makeWorld,
  ) => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const random = createRandom(`fork-${seed}`);
      const plan = drawPlan(random);
      const steps = flatten(plan).filter(({ type }) => type === 'step');
      const clock = createVirtualClock();
      const world: DurableWorld = makeWorld({ clock, random });
      const crashesAt = random.chance(0.5) ? [random.int(1, 12)] : [];
      const driven = await driveRun({ world, clock, plan, crashesAt, parkAfterMs: 60_000 });
      assertDurable(driven, plan);
      // The crash is still to come.
      if (driven.crashes < crashesAt.length) continue;
      const { engine, seen } = driven;
      for (const [index, step] of steps.entries()) {
        if (step.type !== 'step') continue;
        seen.handed.clear();
        seen.begun.clear();
        const runId = `run_fork_${index}`;
        const metadata = { forked: 'yes' };
        const created = await engine.fork('acme', 'run_1', {
          runId,
          atStep: step.name,
          change: (input) => ({ ...input, metadata }),
        });
        assert.equal(created.created, true);
        await clock.advance(59_000);
        const status = await engine.status('acme', runId);
        assert.equal(status?.result?.ending.reason, 'completed');
        assert.deepEqual(status.metadata, metadata);
        assert.equal(seen.begun.get(step.name), 1);
        assert.deepEqual(seen.violations, []);
        const { signal } = new AbortController();
        const following = engine.follow('acme', runId, { afterSequence: 0, signal });
        const events: readonly RunEvent[] = await Array.fromAsync(following);
        assert.deepEqual(
          events.map(({ sequence }) => sequence),
          events.map((_, place) => place + 1),
        );
        const replayed = await engine.replay('acme', runId);
        assert.equal(JSON.stringify(replayed.events), JSON.stringify(events));
        assert.equal(replayed.digest, replayed.recordedDigest);
      }
    }
  },

  'a step is whole in a fork or done anew, with all that is within it, also in a fork of a fork':
    async (makeWorld) => {
      let copied = 0;
      for (let seed = 1; seed <= 12; seed += 1) {
        const random = createRandom(`calls-${seed}`);
        const plan = drawCalls(random);
        const clock = createVirtualClock();
        const world = makeWorld({ clock, random });
        const { engine, seen } = await driveRun({
          world,
          clock,
          plan,
          crashesAt: [],
          parkAfterMs: 60_000,
        });
        const calls = [...new Set([...seen.begun.keys()].filter(isInner).map(callOf))];
        for (const [index, call] of calls.entries()) {
          const [from, again] = [`run_fork_${index}`, `run_again_${index}`];
          for (const [origin, runId] of [
            ['run_1', from],
            [from, again],
          ] as const) {
            seen.begun.clear();
            seen.handed.clear();
            await engine.fork('acme', origin, { runId, atStep: call, change: (input) => input });
            await clock.advance(59_000);
            const status = await engine.status('acme', runId);
            assert.equal(status?.result?.ending.reason, 'completed');
            const anew = new Set([...seen.begun.keys()].filter(isInner).map(callOf));
            assert.ok(anew.has(call), `${call} is done anew`);
            for (const other of calls) {
              const effects = ['decide', 'call'].map((name) => seen.begun.has(`${other}/${name}`));
              assert.equal(effects[0], effects[1], `${other} is decided where it is done`);
              if (effects[0] === false) copied += 1;
            }
          }
          for (const inner of ['start', 'decide', 'call', 'end']) {
            const fork = {
              runId: 'run_9',
              atStep: `${call}/${inner}`,
              change: <T>(one: T): T => one,
            };
            await assert.rejects(engine.fork('acme', 'run_1', fork), {
              code: 'failed_precondition',
              message: /it can be at .*turn-1\/call-/,
            });
          }
        }
      }
      assert.ok(copied > 10, `${copied} calls were whole in a fork`);
    },

  'a fork reads the time of the run anew, and not that of a step which it takes over': async (
    makeWorld,
  ) => {
    const clock = createVirtualClock();
    const world = makeWorld({ clock, random: createRandom('fork-time') });
    const engine = await world.open({
      programs: {
        '1': () => async (run) => {
          const startMs = await run.now('start');
          const callMs = await run.now('turn-1/tool-1/start');
          await run.step('turn-1/tool-1/call', async () => 1);
          await run.now('turn-1/tool-1/end');
          await run.step('turn-2/model', async () => 2);
          return completed(`${startMs} ${callMs}`);
        },
      },
      current: '1',
      bounds: { ...defaultBounds, parkAfterMs: 60_000 },
    });
    const startedMs = clock.now();
    await engine.start(createRunInput({}));
    await clock.advance(5_000);
    const fork = { runId: 'run_2', atStep: 'turn-2/model', change: <T>(input: T): T => input };
    await engine.fork('acme', 'run_1', fork);
    await clock.advance(1_000);
    const { result } = (await engine.status('acme', 'run_2')) ?? {};
    assert.deepEqual(result, completed(`${startedMs + 5_000} ${startedMs}`));
    const { digest, recordedDigest } = await engine.replay('acme', 'run_2');
    assert.equal(digest, recordedDigest);
  },

  'a fork whose input does not lead to its step is refused, for its budget with what was used by then':
    async (makeWorld) => {
      const clock = createVirtualClock();
      const world = makeWorld({ clock, random: createRandom('fork-budget') });
      let bodies = 0;
      const work = async (): Promise<void> => {
        bodies += 1;
      };
      const engine = await world.open({
        programs: {
          '1': () => async (run, input) => {
            const { stepsMax } = input.budget;
            const { other } = input.metadata;
            const exceeded = { reason: 'budget_exceeded', budget: 'steps' } as const;
            if (other === 'step') await run.step('turn-1/other', work);
            if (stepsMax < 1) return { ...done, ending: exceeded };
            try {
              await run.step('turn-1/model', work);
              run.emit(other === 'event' ? 'turn-1/other' : 'turn-1/model', told);
              await run.step('turn-1/tools', work);
              if (stepsMax < 2) return { ...done, ending: exceeded };
              await run.step('turn-2/model', work);
            } catch {
              await run.step('finish', work, { isCleanup: true }).catch(() => {});
            }
            return { ...done, statistics: { ...done.statistics, modelCalls: 2 } };
          },
        },
        current: '1',
        bounds: { ...defaultBounds, parkAfterMs: 60_000 },
      });
      await engine.start(createRunInput({}));
      await clock.settle();
      const refusalOf = async (change: (input: RunInput) => RunInput): Promise<ErrorData> => {
        const fork = { runId: 'run_2', atStep: 'turn-2/model', change };
        return toErrorData(await rejection(engine.fork('acme', 'run_1', fork)));
      };
      // In the journal it ends before the step, or it just has nothing for the step itself.
      for (const [stepsMax, problem] of [
        [0, /would go another way, .* does not ask for turn-1\/model, /],
        [1, /would end before, for lack of budget/],
      ] as const) {
        const poor = await refusalOf((input) => ({
          ...input,
          budget: { ...input.budget, stepsMax },
        }));
        assert.equal(poor.code, 'failed_precondition');
        assert.match(poor.message, problem);
        assert.match(
          poor.message,
          /come to turn-2\/model .* used or set aside 12 tokens, 2 steps, 0 tool calls and 0.000003 US dollars/,
        );
        assert.equal(poor.facts['used_steps'], '2');
      }
      for (const [other, problem] of [
        ['step', /does not come to turn-2\/model .*turn-1\/model/],
        ['event', /does not come to turn-2\/model .*tell text-delta of turn-1\/model/],
      ] as const) {
        const refused = await refusalOf((input) => ({ ...input, metadata: { other } }));
        assert.equal(refused.code, 'failed_precondition');
        assert.match(refused.message, problem);
      }
      assert.equal(await engine.status('acme', 'run_2'), undefined);
      assert.equal(bodies, 3, 'nothing was done to find out');
    },

  'a fork does steps anew that go with its own, and may come to any of them': async (makeWorld) => {
    const clock = createVirtualClock();
    const world = makeWorld({ clock, random: createRandom('fork-anew') });
    const begun: string[] = [];
    const engine = await world.open({
      programs: {
        '1': () => async (run, input) => {
          const names = [
            'turn-1/model',
            ...(input.metadata['large'] === 'yes' ? [] : ['turn-2/compact']),
            'turn-2/model',
          ];
          for (const name of names) await run.step(name, async () => void begun.push(name));
          return done;
        },
      },
      current: '1',
      bounds: { ...defaultBounds, parkAfterMs: 60_000 },
    });
    await engine.start(createRunInput({}));
    await clock.settle();
    const change = (input: RunInput): RunInput => ({ ...input, metadata: { large: 'yes' } });
    const fork = { runId: 'run_2', atStep: 'turn-2/model', change };
    await assert.rejects(engine.fork('acme', 'run_1', fork), { code: 'failed_precondition' });
    const anew = (): readonly string[] => ['turn-2/compact', 'turn-2/model'];
    for (const one of [
      { ...fork, anew },
      { ...fork, anew, runId: 'run_3', atStep: 'turn-2/compact' },
    ]) {
      begun.length = 0;
      await engine.fork('acme', 'run_1', one);
      await clock.settle();
      assert.deepEqual(begun, ['turn-2/model']);
      const { digest, recordedDigest } = await engine.replay('acme', one.runId);
      assert.equal(digest, recordedDigest);
    }
  },

  'nobody can fork a run that is not there, of another tenant, or at a step that never began':
    async (makeWorld) => {
      const clock = createVirtualClock();
      const world = makeWorld({ clock, random: createRandom('no-fork') });
      const plan = [{ type: 'tell', text: 'x' }] as const;
      const { engine } = await driveRun({ world, clock, plan, crashesAt: [], parkAfterMs: 60_000 });
      const fork = { runId: 'run_2', atStep: 'step', change: <T>(input: T): T => input };
      for (const [tenant, runId, code] of [
        ['acme', 'run_9', 'not_found'],
        ['evil', 'run_1', 'not_found'],
        ['acme', 'run_1', 'failed_precondition'],
      ] as const) {
        await assert.rejects(engine.fork(tenant, runId, fork), { code });
      }
    },
};

const told = { type: 'text-delta', text: 'so far' } as const;

function completed(answer: string): RunResult {
  return { ...done, ending: { reason: 'completed', answer } };
}

/** Turns of compound steps, some side by side: each decides, may wait under a name that is not its own, and then acts. */
function drawCalls(random: Random): readonly Action[] {
  return Array.from({ length: random.int(1, 2) }, (_, turn) => {
    const branches = Array.from({ length: random.int(1, 3) }, (_unused, lane) =>
      Array.from({ length: random.int(1, 2) }, (_one, place) =>
        callActions(random, `turn-${turn + 1}/call-${lane * 2 + place + 1}`),
      ).flat(),
    );
    return { type: 'all', branches } as const;
  });
}

function callActions(random: Random, call: string): readonly Action[] {
  const step = (name: string): Action => ({
    type: 'step',
    name: `${call}/${name}`,
    isOnce: name === 'call',
    texts: random.int(0, 2),
    pauseMs: random.pick([0, 5, 40]),
    isFailing: false,
  });
  const timeoutMs = random.pick([60, 2_000]);
  const answerAfterMs = random.pick([null, 0, 50]);
  const name = `approval-of-${call.replaceAll('/', '-')}`;
  const wait: Action = { type: 'wait', name, timeoutMs, answerAfterMs };
  return [
    { type: 'now', name: `${call}/start` },
    step('decide'),
    ...(random.chance(0.4) ? [wait] : []),
    step('call'),
    { type: 'now', name: `${call}/end` },
  ];
}

function isInner(name: string): boolean {
  return name.split('/').length > 2;
}

function callOf(name: string): string {
  return name.split('/').slice(0, 2).join('/');
}

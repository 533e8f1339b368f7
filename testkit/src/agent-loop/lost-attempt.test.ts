import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createAgentLoop } from '@modelhost/agent-core';
import type { LlmProvider, RunEvent, RunProgram, RunResult } from '@modelhost/kernel';
import { defaultBounds } from '../conformance/workbench.ts';
import type { EngineUnderTest } from '../conformance/workbench.ts';
import { createEmbeddedWorld } from '../crash/durable-world.ts';
import { createRunInput } from '../run-input.ts';
import { createRandom } from '../simulation/random.ts';
import { createTestEngine } from '../test-engine.ts';
import { createVirtualClock } from '../virtual-clock.ts';
import { createOutside } from './outside.ts';

const usage = { inputTokens: 10, outputTokens: 20, cachedInputTokens: 0, reasoningTokens: 0 };

/** The program, with its model steps told that so many attempts were interrupted. */
function withLostAttempts(program: RunProgram, lost: number): RunProgram {
  return async (context, input) =>
    program(
      {
        ...context,
        step: async (name, body, options) =>
          context.step(
            name,
            async (info) =>
              body(name.endsWith('/model') ? { ...info, attempt: info.attempt + lost } : info),
            options,
          ),
      },
      input,
    );
}

async function run(
  lost: number,
  limits: Parameters<typeof createRunInput>[0]['limits'],
): Promise<{ readonly result: RunResult; readonly asked: number }> {
  const outside = createOutside({ turns: [{ text: 'done', usage }] });
  const program = withLostAttempts(createAgentLoop(outside.ports), lost);
  const engine = await createTestEngine({ program, clock: createVirtualClock() });
  const input = createRunInput({ sampling: { maxOutputTokens: 100 }, ...(limits && { limits }) });
  await engine.start(input);
  const { signal } = new AbortController();
  await Array.fromAsync(engine.follow('acme', 'run_1', { afterSequence: 0, signal }));
  const { result } = (await engine.status('acme', 'run_1')) ?? {};
  assert.ok(result !== undefined);
  await engine.close();
  return { result, asked: outside.requests.length };
}

/** A run whose host is killed while its model speaks, as often as it says, and comes back after the run's time. */
async function runOutOfTime(
  kills: number,
  limits: Parameters<typeof createRunInput>[0]['limits'] = {},
): Promise<{ readonly result: RunResult; readonly events: readonly RunEvent[] }> {
  const clock = createVirtualClock();
  const world = createEmbeddedWorld({ clock, random: createRandom('out-of-time') });
  const turns = [{ text: 'half an ', hangs: true, usage }];
  const program = (): RunProgram => createAgentLoop(createOutside({ turns }).ports);
  const bounds = { ...defaultBounds, parkAfterMs: 60_000 };
  const open = async (): Promise<EngineUnderTest> =>
    world.open({ programs: { '1': program }, current: '1', bounds });
  for (let kill = 0; kill < kills; kill += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one process after the other.
    const engine = await open();
    const budget = { ...limits, durationMsMax: 20_000 };
    // oxlint-disable-next-line no-await-in-loop -- as above.
    await engine.start(createRunInput({ sampling: { maxOutputTokens: 100 }, limits: budget }));
    // oxlint-disable-next-line no-await-in-loop -- as above.
    await clock.settle();
    world.kill();
  }
  await clock.advance(20_000);
  const engine = await open();
  await clock.settle();
  const { result } = (await engine.status('acme', 'run_1')) ?? {};
  assert.ok(result !== undefined);
  const { signal } = new AbortController();
  const events = await Array.fromAsync(
    engine.follow('acme', 'run_1', { afterSequence: 0, signal }),
  );
  const replayed = await engine.replay('acme', 'run_1');
  assert.equal(JSON.stringify(replayed.events), JSON.stringify(events));
  await engine.close();
  return { result, events };
}

suite('a model call that was interrupted', () => {
  test('is charged with all that was set aside when it is not tried again for want of time', async () => {
    const once = await runOutOfTime(1);
    assert.deepEqual(once.result.ending, { reason: 'deadline' });
    assert.deepEqual(
      once.events.map(({ body: { type } }) => type),
      [
        'run-started',
        'step-started',
        'decision',
        'text-delta',
        'text-delta',
        'usage',
        'step-finished',
        'run-finished',
      ],
    );
    const { statistics } = once.result;
    const [spent] = once.events.flatMap(({ body }) => (body.type === 'usage' ? [body.spent] : []));
    assert.deepEqual(spent, statistics, 'down to how long it took');
    assert.equal(statistics.durationMs, 20_000);
    assert.equal(statistics.modelCalls, 1);
    assert.equal(statistics.outputTokens, 100);
    assert.ok(statistics.inputTokens > 0 && statistics.costMicroUsd > 0);
    const twice = (await runOutOfTime(2)).result.statistics;
    assert.deepEqual(
      [twice.modelCalls, twice.outputTokens, twice.inputTokens],
      [2, 200, 2 * statistics.inputTokens],
    );
  });

  test('is charged with no more than there is when it is not tried again', async () => {
    const { result } = await runOutOfTime(2, { stepsMax: 1 });
    assert.equal(result.statistics.modelCalls, 1);
    assert.equal(result.statistics.tokensOverrun, 0);
  });

  test('is charged with all that was set aside when its provider ignores the cancel', async () => {
    const outside = createOutside({ turns: [] });
    const deaf: LlmProvider = {
      stream: () => ({
        [Symbol.asyncIterator]: () => ({ next: async () => new Promise(() => {}) }),
      }),
      check: async () => {},
      close: async () => {},
    };
    const ports = { ...outside.ports, providers: new Map([['fake', deaf]]) };
    const clock = createVirtualClock();
    const engine = await createTestEngine({ program: createAgentLoop(ports), clock });
    await engine.start(createRunInput({ sampling: { maxOutputTokens: 100 } }));
    await clock.settle();
    await engine.cancel('acme', 'run_1', 'ann');
    await clock.advance(30_000);
    const { result } = (await engine.status('acme', 'run_1')) ?? {};
    assert.deepEqual(result?.ending, { reason: 'cancelled', by: 'ann' });
    assert.equal(result.statistics.outputTokens, 100);
    await engine.close();
  });

  test('is charged with all that was set aside for it', async () => {
    const once = await run(0, undefined);
    const again = await run(2, undefined);
    assert.equal(again.result.ending.reason, 'completed');
    const [one, three] = [once.result.statistics, again.result.statistics];
    assert.equal(three.modelCalls, one.modelCalls + 2);
    assert.equal(three.outputTokens, one.outputTokens + 2 * 100);
    assert.ok(three.inputTokens > one.inputTokens && three.costMicroUsd > one.costMicroUsd);
  });

  test('is not tried again when the budget has no room for both', async () => {
    const { result, asked } = await run(1, { stepsMax: 1 });
    assert.deepEqual(result.ending, { reason: 'budget_exceeded', budget: 'steps' });
    assert.equal(asked, 0);
    assert.equal(result.statistics.modelCalls, 1);
    assert.equal(result.statistics.outputTokens, 100);
  });
});

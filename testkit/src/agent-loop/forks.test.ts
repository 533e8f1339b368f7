import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeTerms, createAgentLoop, stepsWith } from '@modelhost/agent-core';
import type {
  ModelRoute,
  RunContext,
  RunEvent,
  RunInput,
  RunProgram,
  RunResult,
  ToolReply,
} from '@modelhost/kernel';
import type { EmbeddedEngine } from '@modelhost/engine-embedded';
import { createRunInput } from '../run-input.ts';
import { createTestEngine } from '../test-engine.ts';
import { createVirtualClock } from '../virtual-clock.ts';
import { done, full, isSummaryRequest, page, read, route, summary } from './long-run.ts';
import { createOutside, createTool, textAnswer } from './outside.ts';
import type { Outside, OutsideOptions } from './outside.ts';

const { tenant } = createRunInput({}).principal;

interface World extends AsyncDisposable {
  readonly engine: EmbeddedEngine;
  readonly outside: Outside;
}

async function openWorld(options: OutsideOptions): Promise<World> {
  const clock = createVirtualClock();
  const outside = createOutside(options);
  const engine = await createTestEngine({ program: createAgentLoop(outside.ports), clock });
  return { engine, outside, [Symbol.asyncDispose]: async () => engine.close() };
}

async function eventsOf({ engine }: World, runId: string): Promise<readonly RunEvent[]> {
  const { signal } = new AbortController();
  return Array.fromAsync(engine.follow(tenant, runId, { afterSequence: 0, signal }));
}

function resultOf(events: readonly RunEvent[]): RunResult | undefined {
  const last = events.at(-1)?.body;
  return last?.type === 'run-finished' ? last.result : undefined;
}

/** Starts a run, and gives its events once it is over. */
async function runAll(world: World, input: RunInput): Promise<readonly RunEvent[]> {
  await world.engine.start(input);
  return eventsOf(world, input.runId);
}

interface Fork extends Exclude<Parameters<typeof changeTerms>[2], undefined> {
  readonly from?: string;
  readonly runId?: string;
  readonly atStep: string;
}

/** The same for a fork of it under other terms. */
async function forkAll(
  world: World,
  { from = 'run_1', atStep, runId = `run_${atStep}`, ...change }: Fork,
): Promise<readonly RunEvent[]> {
  await world.engine.fork(tenant, from, {
    runId,
    atStep,
    change: (input, firstStep) => changeTerms(input, firstStep, change),
    anew: (changed, firstStep) => stepsWith(changed, { atStep, firstStep }),
  });
  const events = await eventsOf(world, runId);
  const { digest, recordedDigest } = await world.engine.replay(tenant, runId);
  assert.equal(digest, recordedDigest);
  return events;
}

/** What was told before a step; the beginning, which tells of the run itself, left out. */
function before(events: readonly RunEvent[], step: string): readonly RunEvent[] {
  return events.slice(
    1,
    events.findIndex((event) => event.step === step),
  );
}

const large = {
  ...route,
  id: 'large',
  model: 'large-1',
  contextTokensMax: 100_000,
  inputMicroUsdPerToken: 50,
  outputMicroUsdPerToken: 50,
};

/** A run of a model that holds so much. */
function runUnder(model: ModelRoute, tokensMax = 1_000_000): RunInput {
  return createRunInput({
    agentChanges: { route: model, compactAtPercent: 80 },
    limits: { tokensMax, costMicroUsdMax: 100_000_000 },
  });
}

const callTool = async (): Promise<ToolReply> => textAnswer(page);

test('a fork under a model that holds more keeps what was done under the other one', async () => {
  const turns = [...full, summary, read, done, done, done];
  await using world = await openWorld({ turns, callTool });
  const source = await runAll(world, runUnder(route));
  assert.ok(source.some(({ step }) => step === 'turn-7/compact'));
  const late = await forkAll(world, { atStep: 'turn-8/model', route: large });
  assert.deepEqual(before(late, 'turn-8/model'), before(source, 'turn-8/model'));
  const { requests } = world.outside;
  assert.equal(requests.at(-1)?.model, 'large-1');
  assert.equal(requests.at(-1)?.messages.length, requests.at(-2)?.messages.length);
  // Only the last answer has the price of the other model.
  const last = late.findLast(({ body }) => body.type === 'usage')?.body;
  const whole = resultOf(late)?.statistics.costMicroUsd ?? 0;
  const used = before(late, 'turn-8/model').findLast(({ body }) => body.type === 'usage')?.body;
  assert.ok(last?.type === 'usage' && used?.type === 'usage');
  assert.equal(whole, used.spent.costMicroUsd + last.costMicroUsd);
  assert.equal(last.costMicroUsd, 50 * (last.usage.inputTokens + last.usage.outputTokens));
});

test('a fork at a model call decides anew whether its conversation is compacted', async () => {
  for (const atStep of ['turn-7/model', 'turn-7/compact']) {
    const turns = [...full, summary, done, done];
    await using world = await openWorld({ turns, callTool }); // oxlint-disable-line no-await-in-loop -- a world after the other
    const source = await runAll(world, runUnder(route)); // oxlint-disable-line no-await-in-loop
    const fork = await forkAll(world, { atStep, route: large }); // oxlint-disable-line no-await-in-loop
    assert.deepEqual(before(fork, 'turn-7/model'), before(source, 'turn-7/compact'));
    assert.equal(fork.filter(({ body }) => body.type === 'context-compacted').length, 0);
    assert.equal(world.outside.requests.filter(isSummaryRequest).length, 1);
    assert.equal(resultOf(fork)?.ending.reason, 'completed');
  }
});

test('a fork under a model that holds less compacts from its step on', async () => {
  const turns = [...full, read, done, summary, done];
  await using world = await openWorld({ turns, callTool });
  const source = await runAll(world, runUnder(large));
  const fork = await forkAll(world, { atStep: 'turn-8/model', route });
  assert.deepEqual(before(fork, 'turn-8/compact'), before(source, 'turn-8/model'));
  assert.equal(fork.filter(({ body }) => body.type === 'context-compacted').length, 1);
  assert.equal(resultOf(fork)?.ending.reason, 'completed');
});

test('a fork with more than its run had keeps what that could not afford', async () => {
  const turns = [...full, read, read, done, done];
  await using world = await openWorld({ turns, callTool });
  const source = await runAll(world, runUnder(route, 22_000));
  const cut = source.find(({ body }) => body.type === 'context-compacted')?.body;
  assert.ok(cut?.type === 'context-compacted' && cut.method === 'cut');
  assert.equal(resultOf(source)?.ending.reason, 'budget_exceeded');
  const { budget } = runUnder(route);
  const fork = await forkAll(world, { atStep: 'turn-8/tool-1', budget });
  assert.deepEqual(before(fork, 'turn-8/tool-1'), before(source, 'turn-8/tool-1'));
  assert.equal(resultOf(fork)?.ending.reason, 'completed');
});

test('what was used above the budget of a run counts for a fork with more', async () => {
  const used = { inputTokens: 50_000, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0 };
  await using world = await openWorld({ turns: [{ ...read, usage: used }, done], callTool });
  await runAll(world, runUnder(route, 20_000));
  const { budget } = runUnder(route, 40_000);
  await assert.rejects(forkAll(world, { atStep: 'turn-1/tool-1', budget }), {
    code: 'failed_precondition',
    message: /would end before, .* used or set aside 50001 tokens, 2 steps, 1 tool call /,
  });
});

test('a fork of a fork goes on as that would, from its own first step on', async () => {
  const turns = [read, read, done, done, read, done];
  await using world = await openWorld({ turns, callTool });
  await runAll(world, runUnder(route));
  const { budget } = runUnder(large, 500_000);
  await forkAll(world, { runId: 'run_2', atStep: 'turn-3/model', route: large, budget });
  const again = await forkAll(world, { runId: 'run_3', from: 'run_2', atStep: 'turn-2/model' });
  assert.equal(resultOf(again)?.ending.reason, 'completed');
  const asked = world.outside.requests.map(({ model }) => model);
  const [old, other] = [route.model, large.model];
  assert.deepEqual(asked, [old, old, old, other, other, other]);
  const poor = { ...budget, stepsMax: 1 };
  await forkAll(world, { runId: 'run_4', from: 'run_3', atStep: 'turn-1/model', budget: poor });
  assert.equal(world.outside.requests.at(-1)?.model, other);
});

test('what a call asked the model that a fork has taken over is told as it was', async () => {
  const asking: ToolReply = {
    type: 'input-required',
    state: 's1',
    requests: {
      ask: {
        method: 'sampling/createMessage',
        params: {
          messages: [{ role: 'user', content: { type: 'text', text: 'Name a colour.' } }],
          maxTokens: 50,
        },
      },
    },
  };
  const calls = [...(read.calls ?? []), ...(read.calls ?? [])];
  const blue = { text: 'blue' };
  await using world = await openWorld({
    turns: [{ calls }, blue, blue, done, blue, done],
    callTool: async ({ resume }) => (resume === undefined ? asking : textAnswer('ok')),
  });
  const agentChanges = { route, samplingServers: ['desk'], toolCallsInFlightMax: 1 };
  const source = await runAll(world, createRunInput({ agentChanges }));
  const fork = await forkAll(world, { atStep: 'turn-1/tool-2', route: large });
  assert.ok(source.some(({ step }) => step === 'turn-1/tool-1/input-1-1'));
  assert.deepEqual(before(fork, 'turn-1/tool-2'), before(source, 'turn-1/tool-2'));
  const anew = world.outside.requests.slice(4).map(({ model }) => model);
  assert.deepEqual(anew, [large.model, large.model]);
});

test('a fork shows its tools as its own model holds them', async () => {
  const tools = Array.from({ length: 40 }, (_none, index) =>
    createTool(`desk__do_${index}`, 'none'),
  );
  await using world = await openWorld({ turns: [done, done, done], tools });
  const offered = (): number | undefined => world.outside.requests.at(-1)?.tools.length;
  const agentChanges = { route: large, toolSearch: 'auto' as const };
  await runAll(world, createRunInput({ agentChanges }));
  assert.equal(offered(), 40);
  await forkAll(world, { runId: 'run_2', atStep: 'turn-1/model', route });
  assert.equal(offered(), 3);
  await forkAll(world, { runId: 'run_3', from: 'run_2', atStep: 'turn-1/model', route: large });
  assert.equal(offered(), 40);
});

test('a fork whose budget ends among calls that the loop answers itself is refused', async () => {
  const calls = [
    ['nobody__knows', '{}'],
    ['nobody__knows', '{}'],
  ] as const;
  await using world = await openWorld({ turns: [{ calls }, done, done] });
  const { budget } = createRunInput({});
  assert.equal(resultOf(await runAll(world, createRunInput({})))?.ending.reason, 'completed');
  const atStep = 'turn-2/model';
  for (const stepsMax of [0, 1, 2, 3]) {
    const fork = forkAll(world, { atStep, budget: { ...budget, stepsMax } });
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await assert.rejects(fork, (thrown: { code?: string; facts?: Record<string, string> }) => {
      assert.equal(thrown.code, 'failed_precondition');
      assert.equal(thrown.facts?.['used_steps'], '3');
      return true;
    });
  }
  const fork = await forkAll(world, { atStep, budget: { ...budget, stepsMax: 4 } });
  assert.equal(resultOf(fork)?.ending.reason, 'completed');
  // For these calls themselves it is enough; what comes after them is another matter.
  const last = await forkAll(world, {
    atStep: 'turn-1/tool-2',
    budget: { ...budget, stepsMax: 3 },
  });
  assert.deepEqual(resultOf(last)?.ending, { reason: 'budget_exceeded', budget: 'steps' });
});

test('an answer that an older host has journaled with its model is told as of that', async () => {
  const { ports } = createOutside({ turns: [done] });
  const loop = createAgentLoop(ports);
  const olderLoop: RunProgram = async (context, input) => {
    const step: RunContext['step'] = async (name, body, options) =>
      context.step(
        name,
        async (info) => {
          const result = await body(info);
          if (name !== 'turn-1/model') return result;
          // As the loop journals each result: with what was hidden in it.
          const { value } = result as { readonly value: object };
          return { ...result, value: { ...value, routeId: 'other' } };
        },
        options,
      );
    return loop({ ...context, step }, input);
  };
  const engine = await createTestEngine({ program: olderLoop, clock: createVirtualClock() });
  await using world = { engine, [Symbol.asyncDispose]: async () => engine.close() };
  await engine.start(createRunInput({}));
  const { signal } = new AbortController();
  await Array.fromAsync(engine.follow(tenant, 'run_1', { afterSequence: 0, signal }));
  const { events } = await world.engine.replay(tenant, 'run_1');
  const decision = events.find(({ body }) => body.type === 'decision')?.body;
  assert.ok(decision?.type === 'decision' && decision.resource === 'other');
});

test('a fork that is asked for again while it is at work keeps its budget', async () => {
  const atWork = Promise.withResolvers<void>();
  const going = Promise.withResolvers<void>();
  let asked = 0;
  await using world = await openWorld({
    turns: [read, { text: 'done' }, read, { text: 'one step too many' }],
    callTool: async () => {
      asked += 1;
      // The first is of the run, the second of its fork, which calls once more.
      if (asked > 2) {
        atWork.resolve();
        await going.promise;
      }
      return textAnswer('ok');
    },
  });
  await runAll(world, createRunInput({}));
  const fork = {
    runId: 'run_fork',
    atStep: 'turn-1/tool-1',
    change: (given: RunInput) =>
      changeTerms(given, 'turn-1/tool-1', { budget: { ...given.budget, stepsMax: 4 } }),
  };
  assert.deepEqual(await world.engine.fork(tenant, 'run_1', fork), { created: true });
  await atWork.promise;
  assert.deepEqual(await world.engine.fork(tenant, 'run_1', fork), { created: false });
  going.resolve();
  const result = resultOf(await eventsOf(world, fork.runId));
  assert.deepEqual(result?.ending, { reason: 'budget_exceeded', budget: 'steps' });
  assert.equal(result.statistics.toolCalls, 2);
});

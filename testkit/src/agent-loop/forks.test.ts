import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeTerms, createAgentLoop, stepsWith } from '@modelhost/agent-core';
import type { TermsChange } from '@modelhost/agent-core';
import type { ModelRoute, RunEvent, RunInput, RunResult, ToolReply } from '@modelhost/kernel';
import type { EmbeddedEngine } from '@modelhost/engine-embedded';
import { createRunInput } from '../run-input.ts';
import { createTestEngine } from '../test-engine.ts';
import { createVirtualClock } from '../virtual-clock.ts';
import { done, full, isSummaryRequest, page, read, route, summary } from './long-run.ts';
import { createOutside, textAnswer } from './outside.ts';
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

/** The same for a fork of it under other terms. */
async function forkAll(
  world: World,
  { atStep, ...change }: TermsChange & { readonly atStep: string },
): Promise<readonly RunEvent[]> {
  const runId = `run_${atStep}`;
  await world.engine.fork(tenant, 'run_1', {
    runId,
    atStep,
    anew: stepsWith(atStep),
    change: (input) => changeTerms(input, atStep, change),
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

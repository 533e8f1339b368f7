import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGate } from '../conformance/workbench.ts';
import type { OutsideOptions } from './outside.ts';
import { play } from './play.ts';
import type { Act, React } from './play.ts';

test('a model call that was given up before its first token is charged its input', async () => {
  const silent: OutsideOptions = { turns: [{ hangs: true }] };
  const onDecision =
    (react: (act: Act) => Promise<unknown>): React =>
    (body, act) =>
      body.type === 'decision' ? act.settle().then(async () => react(act)) : undefined;
  const cancelled = await play(
    silent,
    {},
    onDecision(async (act) => act.cancel()),
  );
  assert.equal(cancelled.result.ending.reason, 'cancelled');
  const late = await play(
    silent,
    {},
    onDecision(async (act) => act.pass(30_000)),
  );
  for (const { result, events } of [cancelled, late]) {
    const told = events.flatMap(({ body }) => (body.type === 'usage' ? [body.usage] : []));
    assert.deepEqual(
      told.map(({ inputTokens, outputTokens }) => [inputTokens > 0, outputTokens]),
      [[true, 0]],
    );
    assert.equal(result.statistics.inputTokens, told[0]?.inputTokens);
    assert.ok(result.statistics.costMicroUsd > 0);
  }
});

test('a model call that was stopped before it went out asks nobody and costs nothing', async () => {
  const decided = createGate();
  const played = await play(
    {
      turns: [{ text: 'never' }],
      decide: async () => {
        await decided.promise;
        return { effect: 'allow' };
      },
    },
    {},
    (body, act) =>
      body.type === 'step-started' ? act.cancel().then(() => decided.open()) : undefined,
  );
  assert.equal(played.result.ending.reason, 'cancelled');
  assert.equal(played.outside.requests.length, 0);
  assert.equal(played.result.statistics.inputTokens, 0);
});

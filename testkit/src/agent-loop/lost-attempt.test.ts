import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createAgentLoop } from '@modelhost/agent-core';
import type { RunProgram, RunResult } from '@modelhost/kernel';
import { createRunInput } from '../run-input.ts';
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

suite('a model call that was interrupted', () => {
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

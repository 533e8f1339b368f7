import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAgentLoop } from '@modelhost/agent-core';
import type { RunResult, ToolReply } from '@modelhost/kernel';
import { createRunInput } from '../run-input.ts';
import { createTestEngine } from '../test-engine.ts';
import { createVirtualClock } from '../virtual-clock.ts';
import { createOutside } from './outside.ts';

const read = [['desk__read', '{}']] as const;
const answer: ToolReply = { type: 'answer', content: 'ok', isError: false, isTruncated: false };

test('a fork that is asked for again while it is at work keeps its budget', async () => {
  const clock = createVirtualClock();
  const atWork = Promise.withResolvers<void>();
  const going = Promise.withResolvers<void>();
  let calls = 0;
  const outside = createOutside({
    turns: [{ calls: read }, { text: 'done' }, { calls: read }, { text: 'one step too many' }],
    callTool: async () => {
      calls += 1;
      // The first is of the run, the second of its fork, which calls once more.
      if (calls > 2) {
        atWork.resolve();
        await going.promise;
      }
      return answer;
    },
  });
  const engine = await createTestEngine({ program: createAgentLoop(outside.ports), clock });
  const { tenant } = createRunInput({}).principal;

  async function endOf(runId: string): Promise<RunResult | undefined> {
    const { signal } = new AbortController();
    let result: RunResult | undefined;
    for await (const { body } of engine.follow(tenant, runId, { afterSequence: 0, signal })) {
      if (body.type === 'run-finished') ({ result } = body);
    }
    return result;
  }

  const input = createRunInput({});
  await engine.start(input);
  await endOf(input.runId);
  const fork = {
    runId: 'run_fork',
    atStep: 'turn-1/tool-1',
    change: (given: typeof input): typeof input => ({
      ...given,
      budget: { ...given.budget, stepsMax: 4 },
    }),
  };
  assert.deepEqual(await engine.fork(tenant, input.runId, fork), { created: true });
  await atWork.promise;
  assert.deepEqual(await engine.fork(tenant, input.runId, fork), { created: false });
  going.resolve();
  const result = await endOf(fork.runId);
  await engine.close();
  assert.deepEqual(result?.ending, { reason: 'budget_exceeded', budget: 'steps' });
  assert.equal(result.statistics.toolCalls, 2);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAgentLoop } from '@modelhost/agent-core';
import type { RunEvent } from '@modelhost/kernel';
import { createRunInput } from '../run-input.ts';
import { createTestEngine } from '../test-engine.ts';
import { createVirtualClock } from '../virtual-clock.ts';
import { createOutside } from './outside.ts';

test('nothing takes less than no time when the clock is set back meanwhile', async () => {
  const time = createVirtualClock();
  let skewMs = 0;
  const clock = { ...time, now: () => time.now() + skewMs };
  const outside = createOutside({
    turns: [{ calls: [['desk__read', '{}']] }, { text: 'done' }],
    callTool: async () => {
      skewMs -= 7_200_000;
      return { type: 'answer', content: 'ok', isError: false, isTruncated: false };
    },
  });
  const engine = await createTestEngine({ program: createAgentLoop(outside.ports), clock });
  const input = createRunInput({});
  await engine.start(input);
  const events: RunEvent[] = [];
  const { signal } = new AbortController();
  const { tenant } = input.principal;
  for await (const event of engine.follow(tenant, input.runId, { afterSequence: 0, signal })) {
    events.push(event);
  }
  await engine.close();
  const durations = events.flatMap(({ body }) => {
    if (body.type === 'run-finished') return [body.result.statistics.durationMs];
    return 'durationMs' in body ? [body.durationMs] : [];
  });
  assert.equal(skewMs, -7_200_000);
  assert.deepEqual(durations, [0, 0, 0, 0, 0]);
});

import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { assertWithin, withSlack } from '@modelhost/timing';
import { metaFor } from './fixtures/modern-client.ts';
import { openModern } from './fixtures/open-modern.ts';
import { listedTool } from './fixtures/outside.ts';

const ci = process.env['CI'];

function medianOf(times: readonly number[]): number {
  return times.toSorted((left, right) => left - right)[Math.floor(times.length / 2)] ?? Infinity;
}

test('a list of 500 tools is there within 5 ms, in the middle, over HTTP', async (t) => {
  const { client, outside } = await openModern(t);
  const description = 'Does something with a text that somebody gave it. '.repeat(6);
  const tools = Array.from({ length: 500 }, (_, index) =>
    listedTool(`tool_${index}`, { description }),
  );
  outside.offer({ up: { tools } });
  await assertWithin(t, withSlack(5, ci), async () => {
    const times: number[] = [];
    for (let round = 0; round < 100; round += 1) {
      const start = performance.now();
      const reply = await client.post('tools/list');
      times.push(performance.now() - start);
      assert.equal(reply.status, 200);
    }
    return medianOf(times);
  });
});

test('a server hears within 250 ms that its client has gone', async (t) => {
  await assertWithin(t, withSlack(250, ci), () => msUntilHeard(t));
});

async function msUntilHeard(t: TestContext): Promise<number> {
  const aborted = Promise.withResolvers<number>();
  const { client } = await openModern(t, async ({ context }) => {
    context.onProgress?.({ progress: 1 });
    const ended = Promise.withResolvers<void>();
    context.signal.addEventListener('abort', () => {
      aborted.resolve(performance.now());
      ended.resolve();
    });
    await ended.promise;
    return { kind: 'complete', result: { content: [] } };
  });
  const params = { name: 'echo', arguments: {}, _meta: metaFor({ progressToken: 1 }) };
  const events = await client.stream('tools/call', params);
  await events.next();
  const start = performance.now();
  events.cut();
  return (await aborted.promise) - start;
}

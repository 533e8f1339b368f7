import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { assertWithin, withSlack } from '@modelhost/timing';
import { invocationOf, serverSpec, somebody, startGateway } from './fixtures/start-gateway.ts';
import { serveAsking } from './upstream/fixtures/serve-asking.ts';

for (const way of ['legacy stdio', 'legacy http'] as const) {
  test(`${way}: a server hears within 250 ms that a call was given up which waits for its answer`, async (t) => {
    await assertWithin(t, withSlack(250, process.env['CI']), () => msUntilHeard(t, way));
  });
}

async function msUntilHeard(t: TestContext, way: 'legacy stdio' | 'legacy http'): Promise<number> {
  const heard = Promise.withResolvers<unknown>();
  const transport = await serveAsking(t, way, (event) => {
    if (event === 'cancelled ask' || event === 'refused ask') heard.resolve(event);
  });
  const { gateway, logged } = startGateway(t, [serverSpec('fix', transport)]);
  await gateway.connected();
  const invocation = { ...invocationOf('fix__ask'), canAnswer: ['elicitation/create'] as const };
  const { signal } = new AbortController();
  const reply = await gateway.callTool(invocation, { signal });
  assert.ok(reply.type === 'input-required');
  const startedAt = performance.now();
  gateway.abandonCall(somebody, reply.state);
  await Promise.race([heard.promise, logged('cancelled ask')]);
  return performance.now() - startedAt;
}

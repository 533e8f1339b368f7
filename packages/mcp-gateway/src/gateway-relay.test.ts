import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { Principal } from '@modelhost/kernel';
import { serveCounting } from './fixtures/counting-server.ts';
import type { CountingServer } from './fixtures/counting-server.ts';
import { isHostError, serverSpec, somebody, startGateway } from './fixtures/start-gateway.ts';
import type { StartedGateway } from './fixtures/start-gateway.ts';
import type { ExchangeContext, RelayTool } from './relay.ts';

const rival: Principal = { tenant: 'rival', subject: 'eve', roles: [] };

interface Started extends StartedGateway {
  readonly server: CountingServer;
}

/** A server that everybody sees, and the same as one for the tenant of {@link somebody} alone. */
async function start(t: TestContext): Promise<Started> {
  const server = await serveCounting('modern');
  t.after(() => server.close());
  const transport = { type: 'http', url: server.url, headers: {} } as const;
  const started = startGateway(t, [
    serverSpec('all', transport),
    serverSpec('own', transport, { tenants: [somebody.tenant] }),
  ]);
  await started.gateway.connected();
  return { ...started, server };
}

function contextOf(principal: Principal): ExchangeContext {
  const { signal } = new AbortController();
  return { principal, signal, timeoutMs: 5_000, capabilities: {}, meta: {} };
}

function toolOf({ gateway }: Started, name: string): RelayTool {
  const tool = gateway.relay.catalogue(somebody.tenant).tools.find((found) => found.name === name);
  return tool ?? assert.fail(`there is no ${name}`);
}

test('a server of another tenant is neither listed nor called, by runs or by façades', async (t) => {
  const started = await start(t);
  const { gateway, call, server } = started;
  const names = (tenant: string): readonly string[] =>
    gateway.listTools(tenant).map(({ name }) => name);
  assert.deepEqual(names('acme'), ['all__count', 'own__count']);
  assert.deepEqual(names('rival'), ['all__count']);
  const { tools, servers } = gateway.relay.catalogue('rival');
  assert.deepEqual(
    [tools.map(({ name }) => name), servers.map(({ alias }) => alias)],
    [['all__count'], ['all']],
  );
  const isNotFound = isHostError('mcp_tool_not_found');
  await assert.rejects(call('own__count', { id: 'a' }, { principal: rival }), isNotFound);
  const tool = toolOf(started, 'own__count');
  const exchange = {
    method: 'tools/call',
    params: { name: 'count', arguments: { id: 'a' } },
  } as const;
  const context = contextOf(rival);
  await assert.rejects(
    gateway.relay.exchange({ alias: 'own', tool }, exchange, context),
    isNotFound,
  );
  // Nor by way of another alias.
  await assert.rejects(
    gateway.relay.exchange({ alias: 'all', tool }, exchange, context),
    isNotFound,
  );
  const read = { method: 'resources/read', params: { uri: 'file:///a' } } as const;
  await assert.rejects(gateway.relay.exchange({ alias: 'own' }, read, context), isNotFound);
  await assert.rejects(gateway.relay.watchResource(rival, 'own', 'file:///a'), isNotFound);
  assert.equal(server.executions.size, 0);
});

test('a façade calls the tool that it names, whatever name is in the params', async (t) => {
  const started = await start(t);
  const { gateway, server } = started;
  const tool = toolOf(started, 'own__count');
  const params = { name: 'something-else', arguments: { id: 'a' } };
  const target = { alias: 'own', tool };
  const context = contextOf(somebody);
  const outcome = await gateway.relay.exchange(target, { method: 'tools/call', params }, context);
  assert.ok(outcome.kind === 'complete');
  assert.deepEqual(outcome.result['content'], [{ type: 'text', text: 'counted a' }]);
  assert.equal(server.executions.get('a'), 1);
});

test('a façade cannot call without a tool, nor with arguments that do not fit', async (t) => {
  const started = await start(t);
  const { gateway, server } = started;
  const context = contextOf(somebody);
  const call = { method: 'tools/call', params: { name: 'count', arguments: { id: 'a' } } } as const;
  const { relay } = gateway;
  await assert.rejects(
    relay.exchange({ alias: 'own' }, call, context),
    isHostError('mcp_tool_not_found'),
  );
  const target = { alias: 'own', tool: toolOf(started, 'own__count') };
  const misfit = { method: 'tools/call', params: { name: 'count', arguments: { id: 5 } } } as const;
  await assert.rejects(
    relay.exchange(target, misfit, context),
    isHostError('tool_arguments_invalid'),
  );
  assert.equal(server.executions.size, 0);
});

test('the catalogue of a tenant is the same object until something changes', async (t) => {
  const { gateway } = await start(t);
  const { relay } = gateway;
  assert.equal(relay.catalogue('acme'), relay.catalogue('acme'));
  assert.equal(gateway.listTools('acme'), gateway.listTools('acme'));
});

test('abuse A16: nothing is asked of a server of which nothing was ever approved', async (t) => {
  const server = await serveCounting('modern');
  t.after(() => server.close());
  const transport = { type: 'http', url: server.url, headers: {} } as const;
  const { gateway } = startGateway(t, [serverSpec('all', transport, { pinning: 'approve' })]);
  await gateway.connected();
  const refused = {
    code: 'mcp_tool_not_found',
    facts: { server: 'all', pin: 'quarantined' },
  };
  const exchanges = [
    { method: 'prompts/get', params: { name: 'p' } },
    { method: 'resources/read', params: { uri: 'x://1' } },
    {
      method: 'completion/complete',
      params: { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'x', value: '' } },
    },
  ] as const;
  for (const exchange of exchanges) {
    const asked = gateway.relay.exchange({ alias: 'all' }, exchange, contextOf(somebody));
    await assert.rejects(asked, refused); // oxlint-disable-line no-await-in-loop
  }
  await assert.rejects(gateway.relay.watchResource(somebody, 'all', 'x://1'), refused);
});

import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { JsonObject, ToolInvocation } from '@modelhost/kernel';
import { createTestCore } from './facade/http/fixtures/open-facade.ts';
import { createManualClock } from './fixtures/manual-clock.ts';
import { createLegacySession } from './facade/http/legacy-session.ts';
import { readRpcMessage } from './facade/http/rpc-message.ts';
import {
  invocationOf,
  isHostError,
  serverSpec,
  somebody,
  startGateway,
} from './fixtures/start-gateway.ts';
import type { StartedGateway } from './fixtures/start-gateway.ts';
import { serveAsking } from './upstream/fixtures/serve-asking.ts';

const legacyWays = ['legacy stdio', 'legacy http'] as const;
const { signal } = new AbortController();

interface Started extends StartedGateway {
  /** Resolves when the server has heard that its question is off. */
  readonly heard: Promise<unknown>;
  /** What the server told so far. */
  readonly told: () => readonly string[];
}

/** A server that asks, of the official SDK, behind a gateway. */
async function start(t: TestContext, way: (typeof legacyWays)[number]): Promise<Started> {
  const reports: string[] = [];
  const cancelled = Promise.withResolvers<void>();
  const transport = await serveAsking(t, way, (event) => {
    reports.push(event);
    // Over HTTP the word that it is off and the refusal of its question come each on a way of its own.
    if (event === 'cancelled ask' || event === 'refused ask') cancelled.resolve();
  });
  const started = startGateway(t, [serverSpec('fix', transport)]);
  await started.gateway.connected();
  const heard = Promise.race([cancelled.promise, started.logged('cancelled ask')]);
  const told = (): readonly string[] => [
    ...reports,
    ...started.entries.map(({ message }) => message),
  ];
  return { ...started, heard, told };
}

function question(): ToolInvocation {
  return { ...invocationOf('fix__ask'), canAnswer: ['elicitation/create'] };
}

for (const way of legacyWays) {
  test(`${way}: a server hears that a run gave its call up, and nobody else can give it up`, async (t) => {
    const { gateway, call, heard, told } = await start(t, way);
    const reply = await gateway.callTool(question(), { signal });
    assert.ok(reply.type === 'input-required');
    gateway.abandonCall({ ...somebody, subject: 'bob' }, reply.state);
    gateway.abandonCall({ ...somebody, tenant: 'rival' }, reply.state);
    for (const state of ['', 'parked', '{}', '{"server":"fix","requestState":"made up"}']) {
      gateway.abandonCall(somebody, state);
    }
    // Whatever was sent before it has arrived with its answer.
    await call('fix__echo', { text: 'x' });
    assert.deepEqual(
      told().filter((event) => event.endsWith('d ask')),
      [],
    );
    gateway.abandonCall(somebody, reply.state);
    await heard;
    const resumed = { ...question(), resume: { state: reply.state, answers: {} } };
    const isOver = isHostError('mcp_protocol_error', { rpc_code: '-32602' });
    await assert.rejects(gateway.callTool(resumed, { signal }), isOver);
    // To give up what is over is nothing.
    gateway.abandonCall(somebody, reply.state);
  });

  test(`${way}: a server hears that the client of a façade has gone while it was asked`, async (t) => {
    const { gateway, heard } = await start(t, way);
    const asked = Promise.withResolvers<void>();
    const clock = createManualClock();
    const session = createLegacySession({
      core: createTestCore(gateway.relay, clock),
      principal: somebody,
      clock,
      send: () => {},
      agreed: { version: '2025-11-25', capabilities: { elicitation: {} } },
    });
    const params = { name: 'ask', arguments: {} };
    const message = readRpcMessage({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    assert.ok(message !== undefined);
    const send = (sent: JsonObject): void => {
      if (sent['method'] === 'elicitation/create') asked.resolve();
    };
    session.receive(message, { send, end: () => {} });
    await asked.promise;
    session.close();
    await heard;
    assert.equal(session.requestsInFlight(), 0);
  });
}

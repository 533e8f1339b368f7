import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { HostError } from '@modelhost/kernel';
import type { Json, ToolServerStatus } from '@modelhost/kernel';
import { serveCounting } from '../fixtures/counting-server.ts';
import type { CountingServer } from '../fixtures/counting-server.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';
import type { ManualClock } from '../fixtures/manual-clock.ts';
import { createPinMemory } from '../fixtures/pin-memory.ts';
import {
  isHostError,
  serverSpec,
  somebody,
  startGateway,
  until,
} from '../fixtures/start-gateway.ts';
import type { StartedGateway } from '../fixtures/start-gateway.ts';
import type { McpGatewayOptions } from '../gateway.ts';
import type { ToolServerSpec } from '../server-spec.ts';
import { errorTo, legacyServer } from './fixtures/scripted-server.ts';
import { serveHandler } from './fixtures/serve-asking.ts';

interface Supervised extends StartedGateway {
  readonly server: CountingServer;
  readonly clock: ManualClock;
  readonly state: () => string;
}

/** One counting server behind a gateway whose clock the test moves. */
async function startSupervised(
  t: TestContext,
  changes: Partial<ToolServerSpec> = {},
  { isDeaf = false, ...options }: Partial<McpGatewayOptions> & { readonly isDeaf?: boolean } = {},
): Promise<Supervised> {
  const server = await serveCounting('legacy');
  server.setDeaf(isDeaf);
  t.after(() => server.close());
  const clock = createManualClock();
  const transport = { type: 'http', url: server.url, headers: {} } as const;
  const started = startGateway(t, [serverSpec('count', transport, changes)], { clock, ...options });
  await started.gateway.connected();
  return { ...started, server, clock, state: () => started.gateway.servers()[0]?.state ?? '' };
}

const inputSchema = { type: 'object' };
const times = {
  failuresMax: 3,
  openMs: 10_000,
  attemptsMax: 4,
  firstRetryMs: 1_000,
  longestRetryMs: 60_000,
};

test('a server that cannot be reached is tried ever less often, and only so many times', async (t) => {
  const { gateway, server, clock, state } = await startSupervised(
    t,
    {},
    { isDeaf: true, random: () => 0.999, times: { ...times, failuresMax: 100 } },
  );
  for (const pauseMs of [1_000, 2_000, 4_000, 8_000]) {
    assert.equal(state(), 'failed');
    const visits = server.visits();
    clock.advance(pauseMs - 10);
    assert.equal(state(), 'failed');
    clock.advance(10);
    assert.equal(state(), 'connecting');
    // One attempt after the other.
    await until(() => state() === 'failed'); // oxlint-disable-line no-await-in-loop
    assert.ok(server.visits() > visits);
  }
  assert.equal(clock.timers(), 0);
  // Who looks at the tools needs it, so that it is tried once more.
  clock.advance(4_900);
  gateway.listTools('acme');
  assert.equal(state(), 'failed');
  clock.advance(100);
  server.setDeaf(false);
  gateway.listTools('acme');
  await until(() => state() === 'ready');
  assert.equal(gateway.listTools('acme').length, 1);
});

test('after failures in a row a server is spared for a while, and the next success ends that', async (t) => {
  const { call, server, clock, state } = await startSupervised(t, {}, { times });
  server.setDeaf(true);
  for (let failure = 0; failure < 3; failure += 1) {
    assert.notEqual(state(), 'open');
    // One after the other is the point.
    await assert.rejects(call('count__count', { id: 'a' }), isHostError('mcp_connection_failed')); // oxlint-disable-line no-await-in-loop
  }
  assert.equal(state(), 'open');
  const visits = server.visits();
  await assert.rejects(call('count__count', { id: 'a' }), (error) => {
    assert.ok(error instanceof HostError && error.code === 'mcp_connection_failed');
    assert.deepEqual([error.retryAfterMs, error.facts['sent']], [10_000, undefined]);
    assert.match(error.message, /^count__count: it is not tried for a while \(count: /);
    return true;
  });
  assert.equal(server.visits(), visits);
  clock.advance(9_999);
  await assert.rejects(call('count__count', { id: 'a' }), isHostError('mcp_connection_failed'));
  assert.equal(server.visits(), visits);
  server.setDeaf(false);
  clock.advance(1);
  assert.equal((await call('count__count', { id: 'a' })).content, 'counted a');
  assert.equal(state(), 'ready');
});

test('calls that are cancelled do not count against their server', async (t) => {
  const { call, state, server } = await startSupervised(t, {}, { times });
  for (let index = 0; index < 5; index += 1) {
    const cancel = new AbortController();
    const calling = call('count__count', { id: 'a', fault: 'silent-after' }, cancel);
    await until(() => server.executions.get('a') === index + 1); // oxlint-disable-line no-await-in-loop
    cancel.abort(new Error('enough'));
    await assert.rejects(calling, /enough/); // oxlint-disable-line no-await-in-loop
  }
  assert.equal(state(), 'ready');
});

test('a lazy server is left alone until it is called, and its tools are those that were pinned', async (t) => {
  const pinStore = createPinMemory();
  const first = await startSupervised(t, {}, { pinStore });
  await first.gateway.close();
  const { url } = first.server;
  const spec = serverSpec('count', { type: 'http', url, headers: {} }, { start: 'lazy' });
  const visits = first.server.visits();
  const { gateway, call } = startGateway(t, [spec], { pinStore });
  await gateway.connected();
  assert.equal(gateway.listTools('acme').length, 1);
  assert.deepEqual([gateway.servers()[0]?.state, first.server.visits()], ['idle', visits]);
  assert.equal((await call('count__count', { id: 'lazy' })).content, 'counted lazy');
  assert.equal(gateway.servers()[0]?.state, 'ready');
});

test('a lazy server of which nothing is known is asked when somebody looks at the tools', async (t) => {
  const { gateway, server, state } = await startSupervised(t, { start: 'lazy' });
  assert.deepEqual([state(), server.visits()], ['idle', 0]);
  assert.deepEqual(gateway.listTools('acme'), []);
  await until(() => gateway.listTools('acme').length === 1);
});

test('a connection that nobody uses is closed, its tools stay, and the next call makes another', async (t) => {
  const { gateway, call, server, clock, state } = await startSupervised(t, { idleMs: 60_000 });
  assert.equal(server.sessions(), 1);
  clock.advance(59_000);
  await call('count__count', { id: 'a' });
  clock.advance(59_000);
  assert.equal(state(), 'ready');
  clock.advance(1_000);
  assert.equal(state(), 'idle');
  await until(() => server.sessions() === 0);
  assert.equal(gateway.listTools('acme').length, 1);
  // Nobody needs it: neither does it come back by itself, nor for a look at the tools.
  clock.advance(600_000);
  gateway.listTools('acme');
  assert.deepEqual([state(), server.sessions()], ['idle', 0]);
  await call('count__count', { id: 'b' });
  assert.deepEqual([state(), server.sessions()], ['ready', 1]);
});

test('a connection with a call on it is in use, however long that takes', async (t) => {
  const { call, server, clock, state } = await startSupervised(t, {
    idleMs: 60_000,
    callTimeoutMs: 600_000,
    progressTimeoutMs: 600_000,
  });
  const calling = call('count__count', { id: 'a', fault: 'silent-after' }, { timeoutMs: 600_000 });
  await until(() => server.executions.has('a'));
  clock.advance(200_000);
  assert.equal(state(), 'ready');
  server.release();
  assert.equal((await calling).content, 'counted a');
});

test('calls beyond the bound wait for their turn; beyond the queue they are refused at once', async (t) => {
  const { call, server } = await startSupervised(t, { callsInFlightMax: 1, queueMax: 1 });
  const silent = { fault: 'silent-after' };
  const first = call('count__count', { id: 'first', ...silent });
  await until(() => server.executions.has('first'));
  const second = call('count__count', { id: 'second', ...silent });
  await assert.rejects(call('count__count', { id: 'third' }), isHostError('overloaded'));
  assert.equal(server.executions.has('second'), false);
  server.release();
  assert.equal((await first).content, 'counted first');
  await until(() => server.executions.has('second'));
  server.release();
  assert.equal((await second).content, 'counted second');
  assert.equal(server.executions.has('third'), false);
});

test('a call that waits for its turn can be cancelled, has its time, and was never sent', async (t) => {
  const { call, server, clock } = await startSupervised(t, { callsInFlightMax: 1 });
  const first = call('count__count', { id: 'first', fault: 'silent-after' });
  await until(() => server.executions.has('first'));
  const cancel = new AbortController();
  const cancelled = call('count__count', { id: 'cancelled' }, cancel);
  const late = call('count__count', { id: 'late' }, { timeoutMs: 500 });
  cancel.abort(new Error('enough'));
  await assert.rejects(cancelled, /enough/);
  clock.advance(500);
  await assert.rejects(late, (error) => {
    assert.ok(error instanceof HostError && error.code === 'overloaded');
    assert.equal(error.facts['sent'], undefined);
    return true;
  });
  server.release();
  await first;
  assert.deepEqual([...server.executions.keys()], ['first']);
});

test('a call whose server is still being connected has its time, and was never sent', async (t) => {
  const transport = await serveHandler(t, () => new Promise(() => {}));
  const clock = createManualClock();
  const { gateway } = startGateway(t, [serverSpec('hung', transport)], { clock });
  const read = { method: 'resources/read', params: { uri: 'file:///a' } } as const;
  const { signal } = new AbortController();
  const context = { principal: somebody, signal, timeoutMs: 500, capabilities: {}, meta: {} };
  const reading = gateway.relay.exchange({ alias: 'hung' }, read, context);
  clock.advance(500);
  await assert.rejects(reading, (error) => {
    assert.ok(error instanceof HostError && error.code === 'mcp_timeout');
    assert.match(error.message, /it is still being connected/);
    assert.deepEqual(error.facts, { server: 'hung', timeout_ms: '500' });
    return true;
  });
  assert.equal(gateway.servers()[0]?.state, 'connecting');
});

test('a server that is slow in a call is degraded, and well again after the next answer', async (t) => {
  const { call, server, clock, state } = await startSupervised(t);
  const slow = call('count__count', { id: 'slow', fault: 'silent-after' }, { timeoutMs: 100 });
  await until(() => server.executions.has('slow'));
  clock.advance(100);
  await assert.rejects(slow, isHostError('mcp_timeout', { sent: 'true' }));
  assert.equal(state(), 'degraded');
  await until(() => server.requests.get('ping') === 1);
  await call('count__count', { id: 'a' });
  assert.equal(state(), 'ready');
});

test('after a lost session the lists are read by the next connection, and no call is repeated', async (t) => {
  const { call, server, state, gateway } = await startSupervised(t);
  server.restart();
  const facts = { server: 'count', session_lost: 'true' };
  await assert.rejects(
    call('count__count', { id: 'a' }),
    (error) =>
      isHostError('mcp_connection_failed', facts)(error) ||
      isHostError('mcp_connection_failed', { sent: 'true' })(error),
  );
  assert.equal(server.executions.has('a'), false);
  assert.equal(state(), 'failed');
  assert.equal((await call('count__count', { id: 'b' })).content, 'counted b');
  assert.deepEqual([state(), gateway.listTools('acme').length], ['ready', 1]);
});

test('a catalogue that is old is read again when somebody looks at it', async (t) => {
  const { gateway, server, clock } = await startSupervised(t);
  const lists = (): number | undefined => server.requests.get('tools/list');
  assert.equal(lists(), 1);
  clock.advance(299_999);
  gateway.listTools('acme');
  clock.advance(1_000);
  assert.equal(lists(), 1);
  gateway.listTools('acme');
  gateway.listTools('acme');
  clock.advance(50);
  await until(() => lists() === 2);
});

for (const [title, refusal, state] of [
  ['refuses to list', (id: Json) => errorTo(id, -32_603, 'not now'), 'degraded'],
  ['breaks while it lists', () => new Response('', { status: 500 }), 'ready'],
] as const) {
  test(`a server that ${title} keeps its catalogue until it lists again`, async (t) => {
    const names = ['one'];
    let isRefused = false;
    const server = legacyServer(({ id, method }) => {
      if (method !== 'tools/list') return {};
      if (!isRefused) return { tools: names.map((name) => ({ name, inputSchema })) };
      isRefused = false;
      return refusal(id);
    });
    const clock = createManualClock();
    const spec = serverSpec('fix', await serveHandler(t, server));
    const { gateway, entries } = startGateway(t, [spec], { clock });
    await gateway.connected();
    isRefused = true;
    names.push('two');
    clock.advance(300_000);
    assert.equal(gateway.listTools('acme').length, 1);
    clock.advance(50);
    const status = (): ToolServerStatus | undefined => gateway.servers()[0];
    // What is lost with the connection is read by the next one.
    if (state === 'ready') await until(() => status()?.quarantinedCount === 1);
    await until(() => status()?.state === state);
    assert.equal(gateway.listTools('acme').length, 1);
    const isLogged = entries.some(({ message }) => message.startsWith('the catalogue stays'));
    assert.equal(isLogged, state === 'degraded');
  });
}

test('which protocol a server speaks is asked once a day, however often it is connected', async (t) => {
  const { call, server, clock, state } = await startSupervised(t, { idleMs: 60_000 });
  const questions = (): number | undefined => server.requests.get('server/discover');
  assert.equal(questions(), 1);
  for (let day = 0; day < 2; day += 1) {
    clock.advance(60_000);
    assert.equal(state(), 'idle');
    await call('count__count', { id: `day ${day}` }); // oxlint-disable-line no-await-in-loop
    assert.equal(questions(), day + 1);
    clock.advance(60_000);
    clock.advance(86_400_000 - 120_000);
    await call('count__count', { id: `after day ${day}` }); // oxlint-disable-line no-await-in-loop
    assert.equal(questions(), day + 2);
  }
});

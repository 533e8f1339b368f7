import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { serveHttp } from './fixtures/http-server.ts';
import type { HttpHandler } from './fixtures/http-server.ts';
import { createManualClock } from './fixtures/manual-clock.ts';
import type { ManualClock } from './fixtures/manual-clock.ts';
import {
  fixtureProcess,
  isHostError,
  serverSpec,
  startGateway,
  until,
} from './fixtures/start-gateway.ts';
import type { StartedGateway } from './fixtures/start-gateway.ts';

interface Faulty extends StartedGateway {
  readonly clock: ManualClock;
  /** How often the server with the fault was called, as far as it tells. */
  readonly calls: () => number;
}

/** A server with a fault, beside one without, and time that stands still. */
function startWithFault(t: TestContext, fault: string): Faulty {
  const clock = createManualClock();
  const specs = [
    serverSpec('bad', fixtureProcess('raw-server', fault)),
    serverSpec('good', fixtureProcess('raw-server')),
  ];
  const started = startGateway(t, specs, { clock });
  const calls = (): number => started.entries.filter(({ message }) => message === 'called').length;
  return { ...started, clock, calls };
}

async function connectWithFault(t: TestContext, fault: string): Promise<Faulty> {
  const started = startWithFault(t, fault);
  await started.gateway.connected();
  return started;
}

const inCall = { server: 'bad', tool: 'bad__act' };

for (const [title, fault, code] of [
  ['dies in the middle of a call', 'dies', 'mcp_connection_failed'],
  ['writes a line without end', 'floods', 'mcp_result_too_large'],
  ['writes a result beyond the bound', 'huge', 'mcp_result_too_large'],
  ['writes a request beyond the bound', 'huge-request', 'mcp_result_too_large'],
  ['writes JSON that is broken', 'broken-json', 'mcp_protocol_error'],
  ['answers in a wrong shape', 'wrong-shape', 'mcp_protocol_error'],
  ['answers with no JSON-RPC message', 'no-message', 'mcp_protocol_error'],
  ['answers with a value nested too deeply', 'nested', 'mcp_protocol_error'],
] as const) {
  test(`a server that ${title} gives ${code}, and the others are served`, async (t) => {
    const { gateway, call } = await connectWithFault(t, fault);
    assert.equal(gateway.listTools('acme').length, 2);
    await assert.rejects(call('bad__act'), isHostError(code, inCall));
    assert.equal((await call('good__act')).content, 'done');
    // The same again: what was lost is started anew by the call.
    await assert.rejects(call('bad__act'), isHostError(code, inCall));
    assert.equal(gateway.listTools('acme').length, 2);
  });
}

for (const [title, fault] of [
  ['answers another request than was made', 'wrong-id'],
  ['never answers a call', 'silent-tool'],
] as const) {
  test(`a server that ${title} gives mcp_timeout, and the others are served`, async (t) => {
    const { gateway, call, calls, clock } = await connectWithFault(t, fault);
    for (const count of [1, 2]) {
      const calling = call('bad__act', {}, { timeoutMs: 100 });
      await until(() => calls() === count); // oxlint-disable-line no-await-in-loop
      clock.advance(100);
      await assert.rejects(calling, isHostError('mcp_timeout', { ...inCall, sent: 'true' })); // oxlint-disable-line no-await-in-loop
      assert.equal((await call('good__act')).content, 'done'); // oxlint-disable-line no-await-in-loop
    }
    assert.equal(gateway.listTools('acme').length, 2);
  });
}

test('a server that never answers fails to connect in time, while the others are served', async (t) => {
  const { gateway, call, clock } = startWithFault(t, 'silent');
  await until(() => gateway.servers()[1]?.state === 'ready');
  assert.equal(gateway.servers()[0]?.state, 'connecting');
  clock.advance(60_000);
  await gateway.connected();
  const [bad, good] = gateway.servers();
  assert.deepEqual([bad?.state, good?.state], ['failed', 'ready']);
  assert.equal(bad?.error, 'bad: not connected in 60000 ms');
  assert.equal((await call('good__act')).content, 'done');
  await assert.rejects(call('bad__act'), isHostError('mcp_tool_not_found', { tool: 'bad__act' }));
});

test('a server that ends when asked for the modern protocol is started again for the old one', async (t) => {
  const { gateway, call } = await connectWithFault(t, 'dies-when-asked');
  assert.equal(gateway.servers()[0]?.state, 'ready');
  assert.equal((await call('bad__act')).content, 'done');
});

test('what a server printed by mistake is logged, and its last words before its end are heard', async (t) => {
  const { call, entries } = await connectWithFault(t, 'last-words');
  assert.equal((await call('bad__act')).content, 'last words');
  assert.deepEqual(
    entries.filter(({ source }) => source === 'stdout').map(({ message }) => message),
    ['log line that does not belong here', '{"level":30,"msg":"nor this"}'],
  );
});

test('pages without end are cut, and a tool that comes twice is kept once', async (t) => {
  const { gateway, entries } = await connectWithFault(t, 'endless-pages');
  assert.equal(gateway.servers()[0]?.toolCount, 1);
  const messages = entries.map(({ message }) => message);
  assert.ok(messages.includes('the catalogue is cut after 32 pages'));
});

test('a call that is cancelled before it starts is never sent', async (t) => {
  const { call, calls, logged } = await connectWithFault(t, 'silent-tool');
  const reason = new Error('no longer wanted');
  const signal = AbortSignal.abort(reason);
  await assert.rejects(call('bad__act', {}, { signal }), (thrown) => thrown === reason);
  const cancelling = new AbortController();
  const sent = call('bad__act', {}, cancelling);
  await until(() => calls() > 0);
  cancelling.abort(reason);
  await assert.rejects(sent, (thrown) => thrown === reason);
  // Whatever was sent before has arrived with this.
  await logged('cancelled');
  assert.equal(calls(), 1);
});

test('closing fails the calls in flight and refuses further ones', async (t) => {
  const { gateway, call, logged } = await connectWithFault(t, 'silent-tool');
  const calling = call('bad__act');
  await logged('called');
  const closing = gateway.close();
  await assert.rejects(calling, isHostError('mcp_connection_failed', inCall));
  await closing;
  await assert.rejects(call('bad__act'), isHostError('mcp_connection_failed'));
  assert.deepEqual(
    gateway.servers().map(({ state }) => state),
    ['closed', 'closed'],
  );
});

type Answer = (id: unknown) => Response;

const act = { name: 'act', inputSchema: { type: 'object' } };

/** A hand-written server of the modern protocol whose tool answers as `answer` says. */
function rawHttp(answer: Answer, tools: readonly object[] = [act]): HttpHandler {
  return async (request) => {
    // Its peer is the gateway, which posts one JSON-RPC request at a time.
    const { id, method } = (await request.json()) as {
      readonly id: unknown;
      readonly method: string;
    };
    const common = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
    if (method === 'server/discover') {
      const supportedVersions = ['2026-07-28'];
      return json({ id, result: { ...common, supportedVersions, capabilities: { tools: {} } } });
    }
    if (method !== 'tools/list') return answer(id);
    return json({ id, result: { ...common, tools } });
  };
}

function json(message: object): Response {
  return Response.json({ jsonrpc: '2.0', ...message });
}

function events(text: string | ReadableStream<Uint8Array>): Response {
  return new Response(text, { headers: { 'content-type': 'text/event-stream' } });
}

function brokenStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => {
      controller.enqueue(Buffer.from(': hello\n\n'));
    },
    pull: (controller) => {
      controller.error(new Error('wire cut'));
    },
  });
}

function toolResult(text: string): object {
  return { resultType: 'complete', content: [{ type: 'text', text }] };
}

const faultsOverHttp: readonly (readonly [string, string, Answer])[] = [
  ['refuses the credential', 'mcp_connection_failed', () => new Response('', { status: 401 })],
  ['has an inner fault', 'mcp_connection_failed', () => new Response('oh', { status: 500 })],
  ['breaks its stream', 'mcp_connection_failed', () => events(brokenStream())],
  ['ends its stream without an answer', 'mcp_connection_failed', () => events(': bye\n\n')],
  [
    'sends a body beyond the bound',
    'mcp_result_too_large',
    (id) => json({ id, result: toolResult('x'.repeat(2_000_000)) }),
  ],
  [
    'sends an event beyond the bound',
    'mcp_result_too_large',
    () => events(`data: ${'x'.repeat(2_000_000)}`),
  ],
  [
    'sends JSON that is broken',
    'mcp_protocol_error',
    () => new Response('{"jsonrpc"', { headers: { 'content-type': 'application/json' } }),
  ],
  [
    'sends a page for people',
    'mcp_protocol_error',
    () => new Response('<p>', { headers: { 'content-type': 'text/html' } }),
  ],
  [
    'answers in a wrong shape',
    'mcp_protocol_error',
    (id) => json({ id, result: { resultType: 'complete', content: 5 } }),
  ],
  [
    'asks for input in a wrong shape',
    'mcp_protocol_error',
    (id) => json({ id, result: { resultType: 'input_required', inputRequests: 5 } }),
  ],
  [
    'answers another request',
    'mcp_protocol_error',
    () => json({ id: 4_711, result: toolResult('a') }),
  ],
];

for (const [title, code, answer] of faultsOverHttp) {
  test(`a server over HTTP that ${title} gives ${code}, once per call`, async (t) => {
    let calls = 0;
    let isHealed = false;
    const handler = rawHttp((id) => {
      calls += 1;
      return isHealed ? json({ id, result: toolResult('healed') }) : answer(id);
    });
    const fixture = await serveHttp(handler);
    t.after(() => fixture.close());
    const transport = { type: 'http', url: fixture.url, headers: {} } as const;
    const { gateway, call } = startGateway(t, [serverSpec('bad', transport)]);
    await gateway.connected();
    await assert.rejects(call('bad__act'), isHostError(code, inCall));
    assert.equal(calls, 1);
    isHealed = true;
    assert.equal((await call('bad__act')).content, 'healed');
  });
}

test('a result that does not fit is denied where that is configured, though the call was sent', async (t) => {
  const outputSchema = { type: 'object', required: ['sum'] };
  const answer: Answer = (id) => json({ id, result: toolResult('no sum') });
  const fixture = await serveHttp(rawHttp(answer, [{ ...act, outputSchema }]));
  t.after(() => fixture.close());
  const transport = { type: 'http', url: fixture.url, headers: {} } as const;
  const { gateway, call, logged } = startGateway(t, [
    serverSpec('bad', transport, { outputSchema: 'deny' }),
    serverSpec('warned', transport),
  ]);
  await gateway.connected();
  const isDenied = isHostError('mcp_protocol_error', { ...inCall, sent: 'true' });
  await assert.rejects(call('bad__act'), isDenied);
  assert.equal((await call('warned__act')).content, 'no sum');
  await logged('warned__act: its result does not fit its output schema');
});

test('a catalogue beyond its caps is cut, and said to be', async (t) => {
  const many = Array.from({ length: 600 }, (_, index) => ({ ...act, name: `act-${index}` }));
  const description = 'x'.repeat(104_000);
  const long = Array.from({ length: 30 }, (_, index) => ({
    ...act,
    name: `l-${index}`,
    description,
  }));
  const resultBytesMax = 1_000_000;
  for (const [tools, count] of [
    [many, 512],
    [long, 20],
  ] as const) {
    const fixture = await serveHttp(rawHttp((id) => json({ id, result: {} }), tools));
    t.after(() => fixture.close());
    const transport = { type: 'http', url: fixture.url, headers: {} } as const;
    const { gateway, logged } = startGateway(t, [serverSpec('a', transport, { resultBytesMax })]);
    await logged(`the catalogue is cut after ${count} tools`);
    await gateway.connected();
    assert.equal(gateway.listTools('acme').length, count);
  }
});

import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '@modelhost/kernel';
import { metaFor, openModernClient } from './fixtures/modern-client.ts';
import type { ModernClient, Reply } from './fixtures/modern-client.ts';
import { createOutside, listedTool, openCore, textIn, textResult } from './fixtures/outside.ts';
import type { Answer, OpenCore, Outside } from './fixtures/outside.ts';

interface Opened {
  readonly client: ModernClient;
  readonly outside: Outside;
  readonly open: OpenCore;
}

const region = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    size: { type: 'integer', 'x-mcp-header': 'Size' },
  },
};

async function start(t: TestContext, answer?: Answer): Promise<Opened> {
  const outside = createOutside(answer);
  outside.offer({
    up: {
      tools: [listedTool('echo'), listedTool('place', { inputSchema: region })],
      prompts: [{ name: 'ask' }],
      resources: [{ uri: 'test://a', name: 'a' }],
    },
  });
  const open = openCore(outside, { naming: 'none' });
  const client = await openModernClient(open.core);
  t.after(async () => {
    open.core.close();
    await client.close();
  });
  return { client, outside, open };
}

function codeOf({ messages }: Reply): unknown {
  const error = messages.at(-1)?.['error'];
  return typeof error === 'object' && error !== null && 'code' in error ? error['code'] : undefined;
}

function resultOf({ messages }: Reply): JsonObject {
  // A result of MCP is an object; the tests look into it.
  return messages.at(-1)?.['result'] as JsonObject;
}

const serverInfo = { name: 'model-host', version: '1.2.3' };
const call = { name: 'echo', arguments: { a: 1 } };

test('a call is answered with one JSON text that says what it is and who we are', async (t) => {
  const { client } = await start(t);
  const reply = await client.post('tools/call', call);
  assert.equal(reply.status, 200);
  assert.equal(reply.type, 'application/json');
  assert.deepEqual(reply.messages, [
    {
      jsonrpc: '2.0',
      id: 1,
      result: {
        resultType: 'complete',
        content: [{ type: 'text', text: '{"a":1}' }],
        _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo },
      },
    },
  ]);
});

test('lists say how long they may be kept, and discovery which versions there are', async (t) => {
  const { client } = await start(t);
  const list = resultOf(await client.post('tools/list'));
  assert.deepEqual([list['ttlMs'], list['cacheScope']], [10_000, 'private']);
  const discovered = resultOf(await client.post('server/discover'));
  assert.deepEqual(discovered['supportedVersions'], ['2026-07-28']);
  assert.deepEqual(discovered['_meta'], { 'io.modelcontextprotocol/serverInfo': serverInfo });
});

test('a request that does not say what every request must is refused by name', async (t) => {
  const { client, outside } = await start(t);
  const { 'io.modelcontextprotocol/clientCapabilities': _, ...noCapabilities } = metaFor();
  const { 'io.modelcontextprotocol/protocolVersion': __, ...noVersion } = metaFor();
  const metas: readonly JsonObject[] = [
    { _meta: null },
    { _meta: noCapabilities },
    { _meta: noVersion },
    { _meta: metaFor({ 'io.modelcontextprotocol/logLevel': 'loud' }) },
    { _meta: metaFor({ progressToken: 1.5 }) },
  ];
  for (const meta of metas) {
    const headers = { 'mcp-protocol-version': '2026-07-28' };
    const reply = await client.post('tools/call', { ...call, ...meta }, headers);
    assert.deepEqual([reply.status, codeOf(reply)], [400, -32_602]);
  }
  assert.deepEqual(outside.arrivals, []);
});

test('a version that we do not speak is answered with those that we do', async (t) => {
  const { client } = await start(t);
  const meta = metaFor({ 'io.modelcontextprotocol/protocolVersion': '2099-01-01' });
  const reply = await client.post('tools/list', { _meta: meta });
  assert.equal(reply.status, 400);
  assert.deepEqual(reply.messages[0]?.['error'], {
    code: -32_022,
    message: 'Unsupported protocol version',
    data: { supported: ['2026-07-28'], requested: '2099-01-01' },
  });
});

test('abuse A6: a request whose headers say something else than its body is refused and not sent on', async (t) => {
  const { client, outside } = await start(t);
  const refused: readonly Readonly<Record<string, string | undefined>>[] = [
    { 'mcp-protocol-version': undefined },
    { 'mcp-protocol-version': '2025-11-25' },
    { 'mcp-method': undefined },
    { 'mcp-method': 'tools/list' },
    { 'mcp-method': 'TOOLS/CALL' },
    { 'mcp-name': undefined },
    { 'mcp-name': 'place' },
    { 'mcp-name': 'Echo' },
    { 'mcp-name': 'echo, echo' },
    { 'mcp-name': '=?base64?ZWNo?=' },
    { 'mcp-name': '=?base64?ZWNobw?=' },
    { 'mcp-name': '=?base64?ZWN!obw=?=' },
    { 'mcp-name': '=?base64?/w==?=' },
  ];
  for (const headers of refused) {
    const reply = await client.post('tools/call', call, headers);
    assert.deepEqual([reply.status, codeOf(reply)], [400, -32_020], JSON.stringify(headers));
  }
  assert.deepEqual(outside.arrivals, []);
  for (const name of ['echo', '  echo  ', '=?base64?ZWNobw==?=']) {
    assert.equal((await client.post('tools/call', call, { 'mcp-name': name })).status, 200);
  }
});

test('abuse A6: an argument that a tool wants in a header is the same in both, or the call is refused', async (t) => {
  const { client, outside } = await start(t);
  const place = { name: 'place', arguments: { region: 'Zürich', size: 7 } };
  const region64 = '=?base64?WsO8cmljaA==?=';
  const good = { 'mcp-param-region': region64, 'mcp-param-size': '7' };
  assert.equal((await client.post('tools/call', place, good)).status, 200);
  const same = { ...good, 'mcp-param-size': '7.0' };
  assert.equal((await client.post('tools/call', place, same)).status, 200);
  for (const wrong of [
    { ...good, 'mcp-param-region': undefined },
    { ...good, 'mcp-param-region': 'Bern' },
    { ...good, 'mcp-param-region': '=?base64?WsO8cmljaA=?=' },
    { ...good, 'mcp-param-size': '8' },
    { ...good, 'mcp-param-size': '0x7' },
  ]) {
    const reply = await client.post('tools/call', place, wrong);
    assert.deepEqual([reply.status, codeOf(reply)], [400, -32_020]);
  }
  const absent = { name: 'place', arguments: { region: null } };
  assert.equal((await client.post('tools/call', absent)).status, 200);
  assert.equal(outside.arrivals.length, 3);
});

test('any name fits its own header in Base64, and no other name does', async (t) => {
  const { client, outside } = await start(t);
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(name, name, async (one, other) => {
      const header = `=?base64?${Buffer.from(other).toString('base64')}?=`;
      const reply = await client.post('prompts/get', { name: one }, { 'mcp-name': header });
      // It is unknown, but its headers are right.
      assert.equal(codeOf(reply), one === other ? -32_602 : -32_020);
    }),
    { numRuns: 50, examples: [['ä', 'ä']] },
  );
  assert.deepEqual(outside.arrivals, []);
});

test('a method that does not exist is not found, under the id of the request', async (t) => {
  const { client } = await start(t);
  for (const method of ['ping', 'initialize', 'resources/subscribe', 'tasks/list', 'x']) {
    const reply = await client.post(method);
    assert.deepEqual([reply.status, codeOf(reply)], [404, -32_601]);
    assert.equal(typeof reply.messages[0]?.['id'], 'number');
  }
});

test('what is no request is accepted or refused, and nothing comes of it', async (t) => {
  const { client, outside } = await start(t);
  const told = await client.send({ jsonrpc: '2.0', method: 'notifications/cancelled' });
  assert.deepEqual([told.status, told.messages], [202, []]);
  for (const message of [
    { jsonrpc: '1.0', id: 1, method: 'tools/list' },
    { jsonrpc: '2.0', id: null, method: 'tools/list' },
    { jsonrpc: '2.0', id: 1.5, method: 'tools/list' },
    { jsonrpc: '2.0', id: 1, method: 'tools/list', params: [] },
    {},
  ]) {
    const reply = await client.send(message);
    assert.deepEqual([reply.status, codeOf(reply)], [400, -32_600]);
  }
  assert.deepEqual(outside.arrivals, []);
});

test('errors of a served request are no failures of HTTP, but for a lacking capability', async (t) => {
  const { client } = await start(t, () => ({
    kind: 'input-required',
    inputRequests: { a: { method: 'roots/list', params: {} } },
    requestState: undefined,
  }));
  const unknown = await client.post('tools/call', { name: 'nothing' });
  assert.deepEqual([unknown.status, codeOf(unknown)], [200, -32_602]);
  const lacking = await client.post('tools/call', call);
  assert.deepEqual([lacking.status, codeOf(lacking)], [400, -32_021]);
});

test('what a call needs is asked for in its result, with a sealed state', async (t) => {
  const { client } = await start(t, () => ({
    kind: 'input-required',
    inputRequests: { a: { method: 'roots/list', params: {} } },
    requestState: 'of up',
  }));
  const meta = metaFor({ 'io.modelcontextprotocol/clientCapabilities': { roots: {} } });
  const result = resultOf(await client.post('tools/call', { ...call, _meta: meta }));
  assert.equal(result['resultType'], 'input_required');
  assert.deepEqual(result['inputRequests'], { a: { method: 'roots/list', params: {} } });
  assert.match(textIn(result['requestState']), /^[A-Za-z0-9+/=]+\.test$/);
});

test('progress and log come before the result, in order, under the token of the client', async (t) => {
  const { client } = await start(t, ({ context }) => {
    for (const progress of [1, 2, 3]) context.onProgress?.({ progress });
    context.onLog?.({ level: 'info', data: 'x' });
    return textResult('done');
  });
  const meta = metaFor({
    progressToken: 'mine',
    'io.modelcontextprotocol/logLevel': 'info',
  });
  const reply = await client.post('tools/call', { ...call, _meta: meta });
  assert.equal(reply.type, 'text/event-stream');
  assert.deepEqual(
    reply.messages.map(({ method, params, result }) =>
      result === undefined ? [method, params] : 'result',
    ),
    [
      ...[1, 2, 3].map((progress) => [
        'notifications/progress',
        { progress, progressToken: 'mine' },
      ]),
      ['notifications/message', { level: 'info', data: 'x' }],
      'result',
    ],
  );
  const plain = await client.post('tools/call', call);
  assert.deepEqual([plain.type, plain.messages.length], ['application/json', 1]);
});

test('trace context and members of other vendors go on; those of this hop do not', async (t) => {
  const { client, outside } = await start(t);
  const kept = { traceparent: '00-1-2-01', tracestate: 'a=b', baggage: 'c=d', 'vendor.dev/x': 1 };
  const meta = metaFor({
    ...kept,
    progressToken: 1,
    'io.modelcontextprotocol/clientInfo': { name: 'x', version: '1' },
    'io.modelcontextprotocol/logLevel': 'error',
    'io.modelcontextprotocol/related-task': { taskId: 'x' },
  });
  await client.post('tools/call', { ...call, _meta: meta });
  const [arrival] = outside.arrivals;
  assert.deepEqual(arrival?.context.meta, kept);
  assert.equal(arrival?.context.logLevel, 'error');
  assert.equal('_meta' in (arrival?.exchange.params ?? {}), false);
});

test('a client that closes the response stops its own call, and no other', async (t) => {
  const aborted = Promise.withResolvers<string>();
  const { client, outside } = await start(t, async ({ exchange, context }) => {
    context.onProgress?.({ progress: 1 });
    const { arguments: values } = exchange.params;
    const wait = Promise.withResolvers<void>();
    context.signal.addEventListener('abort', () => {
      aborted.resolve(JSON.stringify(values));
      wait.resolve();
    });
    await wait.promise;
    return textResult('too late');
  });
  const meta = metaFor({ progressToken: 1 });
  const other = await client.stream('tools/call', {
    name: 'echo',
    arguments: { a: 1 },
    _meta: meta,
  });
  const mine = await client.stream('tools/call', {
    name: 'echo',
    arguments: { a: 2 },
    _meta: meta,
  });
  assert.equal((await mine.next())?.['method'], 'notifications/progress');
  await other.next();
  mine.cut();
  assert.equal(await aborted.promise, '{"a":2}');
  assert.deepEqual(
    outside.arrivals.map(({ context }) => context.signal.aborted),
    [false, true],
  );
});

test('a subscription begins with what is honoured, and each message carries its id', async (t) => {
  const { client, outside, open } = await start(t);
  const notifications = { toolsListChanged: true, resourceSubscriptions: ['test://a'] };
  const events = await client.stream('subscriptions/listen', { notifications });
  const meta = { 'io.modelcontextprotocol/subscriptionId': 1 };
  assert.deepEqual((await events.next())?.['params'], { notifications, _meta: meta });
  outside.change({ type: 'prompts', alias: 'up' });
  outside.change({ type: 'tools', alias: 'up' });
  outside.change({ type: 'resource-updated', alias: 'up', uri: 'test://a' });
  assert.deepEqual(await events.next(), {
    jsonrpc: '2.0',
    method: 'notifications/tools/list_changed',
    params: { _meta: meta },
  });
  assert.deepEqual((await events.next())?.['params'], { uri: 'test://a', _meta: meta });
  open.core.close();
  assert.deepEqual(await events.next(), {
    jsonrpc: '2.0',
    id: 1,
    result: {
      resultType: 'complete',
      _meta: { ...meta, 'io.modelcontextprotocol/serverInfo': serverInfo },
    },
  });
  assert.equal(await events.next(), undefined);
  assert.equal(outside.watched.size, 0);
  assert.equal(open.clock.timers(), 0);
});

test('a client that closes its subscription is not watched for any more', async (t) => {
  const { client, outside } = await start(t);
  const notifications = { resourceSubscriptions: ['test://a'] };
  const events = await client.stream('subscriptions/listen', { notifications });
  await events.next();
  assert.equal(outside.watched.size, 1);
  events.cut();
  // The listener hears of it as soon as it answers something else on another connection.
  while (outside.watched.size > 0) await client.post('tools/list');
  assert.equal(outside.watched.size, 0);
});

test('a subscription to nothing ends at once, and one that is wrong is an error', async (t) => {
  const { client } = await start(t);
  const nothing = await client.post('subscriptions/listen', { notifications: {} });
  assert.deepEqual(
    nothing.messages.map(({ method, id }) => method ?? id),
    ['notifications/subscriptions/acknowledged', 1],
  );
  const wrong = await client.post('subscriptions/listen', {});
  assert.deepEqual([wrong.status, codeOf(wrong)], [200, -32_602]);
});

test('an open subscription is kept alive with comments', async (t) => {
  const { client, open, outside } = await start(t);
  const notifications = { toolsListChanged: true };
  const events = await client.stream('subscriptions/listen', { notifications });
  await events.next();
  open.clock.advance(45_000);
  outside.change({ type: 'tools', alias: 'up' });
  assert.equal((await events.next())?.['method'], 'notifications/tools/list_changed');
  assert.equal(open.clock.timers(), 1);
});

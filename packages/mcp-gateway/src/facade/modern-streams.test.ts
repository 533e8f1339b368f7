import assert from 'node:assert/strict';
import test from 'node:test';
import { metaFor } from './fixtures/modern-client.ts';
import { codeOf, openModern, resultOf } from './fixtures/open-modern.ts';
import { fullUri, textResult } from './fixtures/outside.ts';

const serverInfo = { name: 'model-host', version: '1.2.3' };
const call = { name: 'echo', arguments: { a: 1 } };

test('progress and log come before the result, in order, under the token of the client', async (t) => {
  const { client } = await openModern(t, ({ context }) => {
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

test('a client that does not take a stream is told the result only, and gets no subscription', async (t) => {
  const { client } = await openModern(t, ({ context }) => {
    context.onProgress?.({ progress: 1 });
    return textResult('done');
  });
  const json = { accept: 'application/json' };
  const progress = { ...call, _meta: metaFor({ progressToken: 1 }) };
  const reply = await client.post('tools/call', progress, json);
  assert.deepEqual([reply.type, reply.messages.length], ['application/json', 1]);
  const notifications = { toolsListChanged: true };
  const listening = await client.post('subscriptions/listen', { notifications }, json);
  assert.deepEqual([listening.status, codeOf(listening)], [406, -32_600]);
});

test('a client that reads too slowly misses progress, but not the result', async (t) => {
  const sent = 40_000;
  const message = 'x'.repeat(1_000);
  const { client } = await openModern(t, ({ context }) => {
    // All in one turn: the client cannot read meanwhile, and what the system takes for it is bounded.
    for (let progress = 1; progress <= sent; progress += 1) {
      context.onProgress?.({ progress, message });
    }
    return textResult('done');
  });
  const reply = await client.post('tools/call', { ...call, _meta: metaFor({ progressToken: 1 }) });
  assert.ok(reply.messages.length > 1 && reply.messages.length < sent);
  assert.equal(resultOf(reply)['resultType'], 'complete');
});

test('a subscriber that reads too slowly is cut off, and nothing is kept for it', async (t) => {
  const { client, outside } = await openModern(t);
  const uri = `test://${'x'.repeat(1_000)}`;
  const notifications = { resourceSubscriptions: [uri] };
  const events = await client.stream('subscriptions/listen', { notifications });
  await events.next();
  assert.equal(outside.watched.size, 1);
  for (let sent = 0; sent < 40_000; sent += 1) {
    outside.change({ type: 'resource-updated', alias: 'up', uri });
  }
  while (outside.watched.size > 0) await client.post('tools/list');
  events.cut();
});

test('trace context and members of other vendors go on; those of this hop do not', async (t) => {
  const { client, outside } = await openModern(t);
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
  const { client, outside } = await openModern(t, async ({ exchange, context }) => {
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
  const { client, outside, open } = await openModern(t);
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
  const { client, outside } = await openModern(t);
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
  const { client, open } = await openModern(t);
  const nothing = await client.post('subscriptions/listen', { notifications: {} });
  assert.deepEqual(
    nothing.messages.map(({ method, id }) => method ?? id),
    ['notifications/subscriptions/acknowledged', 1],
  );
  const wrong = await client.post('subscriptions/listen', {});
  assert.deepEqual([wrong.status, codeOf(wrong)], [200, -32_602]);
  const notifications = { toolsListChanged: true, resourceSubscriptions: [fullUri] };
  const refused = await client.post('subscriptions/listen', { notifications });
  assert.deepEqual([refused.status, codeOf(refused)], [200, -32_603]);
  assert.equal(open.clock.timers(), 0);
});

test('an open subscription is kept alive with comments', async (t) => {
  const { client, open, outside } = await openModern(t);
  const notifications = { toolsListChanged: true };
  const events = await client.stream('subscriptions/listen', { notifications });
  await events.next();
  open.clock.advance(45_000);
  outside.change({ type: 'tools', alias: 'up' });
  assert.equal((await events.next())?.['method'], 'notifications/tools/list_changed');
  assert.equal(open.clock.timers(), 1);
});

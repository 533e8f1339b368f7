import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { JsonObject } from '@modelhost/kernel';
import { isHostError, until } from '../fixtures/start-gateway.ts';
import type { ToolServerSpec } from '../server-spec.ts';
import { callOf, contextOf, openConnection } from './fixtures/open-connection.ts';
import type { TestConnection } from './fixtures/open-connection.ts';
import {
  answerTo,
  errorTo,
  eventsOf,
  eventWith,
  legacyServer,
  streamOf,
} from './fixtures/scripted-server.ts';
import type { Received, Script } from './fixtures/scripted-server.ts';
import { serveAsking, serveHandler } from './fixtures/serve-asking.ts';

const done = { content: [{ type: 'text', text: 'done' }], extra: { kept: true } };

interface Opened extends TestConnection {
  /** Everything that came after the handshake. */
  readonly seen: readonly Received[];
}

async function openScripted(
  t: TestContext,
  script: Script,
  capabilities: JsonObject = { tools: {} },
  changes: Partial<ToolServerSpec> = {},
): Promise<Opened> {
  const seen: Received[] = [];
  const server = legacyServer((received) => {
    if (received.method === 'notifications/initialized') return {};
    if (received.method === 'GET') {
      const isResumed = received.headers.has('last-event-id');
      return isResumed ? script(received) : new Response(null, { status: 405 });
    }
    seen.push(received);
    return script(received);
  }, capabilities);
  return { ...(await openConnection(t, await serveHandler(t, server), changes)), seen };
}

test('a request has its session and version, no envelope, and comes back whole', async (t) => {
  const { connection, seen } = await openScripted(t, () => done);
  const context = contextOf({ meta: { traceparent: '00-1' }, onProgress: () => {} });
  const outcome = await connection.exchange(callOf('act'), context, undefined);
  assert.deepEqual(outcome, { kind: 'complete', result: done });
  await connection.exchange(callOf('act'), contextOf(), undefined);
  const [first, second] = seen as [Received, Received];
  assert.equal(first.headers.get('mcp-session-id'), 'session-1');
  assert.equal(first.headers.get('mcp-protocol-version'), '2025-11-25');
  assert.equal(first.headers.get('mcp-method'), null);
  const meta = { traceparent: '00-1', progressToken: first.id };
  assert.deepEqual(first.params, { name: 'act', arguments: {}, _meta: meta });
  assert.deepEqual(second.params, { name: 'act', arguments: {} });
});

for (const [title, response] of [
  ['knows the session no more', () => new Response('', { status: 404 })],
  [
    'was started again and says so in words',
    (id) => errorTo(id, -32_000, 'Server not initialized', 400),
  ],
  [
    'speaks of no valid session',
    () => new Response('No valid session ID provided', { status: 400 }),
  ],
] satisfies readonly (readonly [string, (id: Received['id']) => Response])[]) {
  test(`a server that ${title} did nothing, and is not asked again`, async (t) => {
    const { connection, seen } = await openScripted(t, ({ id }) => response(id));
    await assert.rejects(connection.exchange(callOf('act'), contextOf(), undefined), (error) => {
      const facts = { server: 'srv', tool: 'act', session_lost: 'true' };
      assert.ok(isHostError('mcp_connection_failed', facts)(error));
      assert.ok(!isHostError('mcp_connection_failed', { sent: 'true' })(error));
      return true;
    });
    assert.equal(seen.length, 1);
  });
}

test('a refusal that says nothing of sessions is no lost session', async (t) => {
  const { connection } = await openScripted(t, () => new Response('too much', { status: 400 }));
  await assert.rejects(connection.exchange(callOf('act'), contextOf(), undefined), (error) => {
    assert.ok(isHostError('mcp_connection_failed', { http_status: '400', sent: 'true' })(error));
    assert.ok(!isHostError('mcp_connection_failed', { session_lost: 'true' })(error));
    return true;
  });
});

test('cancelling names the request, at once, and closes its stream', async (t) => {
  const gone = Promise.withResolvers<void>();
  const { connection, seen } = await openScripted(t, ({ method, signal }) => {
    if (method !== 'tools/call') return {};
    signal.addEventListener('abort', () => gone.resolve(), { once: true });
    return streamOf(new ReadableStream());
  });
  const cancelling = new AbortController();
  const context = contextOf({ signal: cancelling.signal });
  const going = connection.exchange(callOf('act'), context, undefined);
  await until(() => seen.length === 1);
  cancelling.abort(new Error('enough'));
  await assert.rejects(going, /enough/);
  await until(() => seen.length === 2);
  assert.equal(seen[1]?.method, 'notifications/cancelled');
  assert.deepEqual(seen[1]?.params, { requestId: seen[0]?.id, reason: 'cancelled' });
  await gone.promise;
});

test('a stream with ids that ends is taken up again where it was, when the server says', async (t) => {
  const resumed: (string | null)[] = [];
  let call: Received | undefined;
  const { connection, clock, seen } = await openScripted(t, (received) => {
    if (received.method === 'tools/call') {
      call = received;
      return eventsOf('id: one\nretry: 700\ndata:', ': nothing yet');
    }
    resumed.push(received.headers.get('last-event-id'));
    if (resumed.length === 1) return eventsOf('id: two\ndata:');
    return eventsOf(eventWith({ id: call?.id ?? null, result: done }));
  });
  const going = connection.exchange(callOf('act'), contextOf(), undefined);
  for (const looks of [1, 2]) {
    await clock.elapse(700); // oxlint-disable-line no-await-in-loop
    await until(() => resumed.length === looks); // oxlint-disable-line no-await-in-loop
  }
  assert.deepEqual(await going, { kind: 'complete', result: done });
  assert.deepEqual(resumed, ['one', 'two']);
  assert.equal(seen.length, 1);
});

test('a stream is not taken up for ever', async (t) => {
  let resumed = 0;
  const { connection, clock } = await openScripted(t, ({ method }) => {
    if (method === 'tools/call') return eventsOf('id: one\ndata:');
    resumed += 1;
    return eventsOf(': nothing');
  });
  const going = connection.exchange(callOf('act'), contextOf({ timeoutMs: 600_000 }), undefined);
  const failing = assert.rejects(going, isHostError('mcp_connection_failed', { sent: 'true' }));
  for (let attempt = 1; attempt <= 8; attempt += 1) {
    await clock.elapse(1_000); // oxlint-disable-line no-await-in-loop
    await until(() => resumed === attempt); // oxlint-disable-line no-await-in-loop
  }
  await failing;
});

test('what else comes on the stream of a request is answered: a ping, and what nobody knows', async (t) => {
  const { connection, seen } = await openScripted(t, ({ id, method }) =>
    method === 'tools/call'
      ? eventsOf(
          eventWith({ id: 'p', method: 'ping' }),
          eventWith({ id: 'q', method: 'what/ever' }),
          eventWith({ id, result: done }),
        )
      : {},
  );
  await connection.exchange(callOf('act'), contextOf(), undefined);
  await until(() => seen.length === 3);
  const answered = seen.slice(1).map(({ id }) => id);
  assert.deepEqual(new Set(answered), new Set(['p', 'q']));
});

test('a question that the server takes back is not asked', async (t) => {
  const stream = Promise.withResolvers<ReadableStreamDefaultController<Uint8Array>>();
  const { connection, seen } = await openScripted(t, () =>
    streamOf(new ReadableStream({ start: (controller) => stream.resolve(controller) })),
  );
  const going = connection.exchange(callOf('act'), contextOf(), undefined);
  const controller = await stream.promise;
  const [{ id }] = seen as [Received];
  const events = [
    eventWith({ id: 1, method: 'elicitation/create', params: { message: 'Who?' } }),
    eventWith({ method: 'notifications/cancelled', params: { requestId: 1 } }),
    eventWith({ id, result: done }),
  ];
  controller.enqueue(Buffer.from(events.map((event) => `${event}\n\n`).join('')));
  assert.deepEqual(await going, { kind: 'complete', result: done });
});

test('beyond sixteen questions of one call the server gets an error', async (t) => {
  const questions = Array.from({ length: 17 }, (_, index) =>
    eventWith({ id: index, method: 'sampling/createMessage', params: {} }),
  );
  const { connection, seen } = await openScripted(t, ({ method }) =>
    method === 'tools/call'
      ? streamOf(
          new ReadableStream({
            start: (controller) => {
              controller.enqueue(Buffer.from(questions.map((event) => `${event}\n\n`).join('')));
            },
          }),
        )
      : {},
  );
  const outcome = await connection.exchange(callOf('act'), contextOf(), undefined);
  assert.ok(outcome.kind === 'input-required');
  assert.equal(Object.keys(outcome.inputRequests).length, 16);
  await until(() => seen.length === 2);
  assert.equal(seen[1]?.id, 16);
});

test('the level of logging is set once for all who want as much or less', async (t) => {
  const { connection, seen } = await openScripted(t, () => done, { tools: {}, logging: {} });
  for (const logLevel of ['warning', 'error', 'info', 'nonsense', 'info']) {
    await connection.exchange(callOf('act'), contextOf({ logLevel }), undefined); // oxlint-disable-line no-await-in-loop
  }
  const levels = seen.filter(({ method }) => method === 'logging/setLevel');
  assert.deepEqual(
    levels.map(({ params }) => params['level']),
    ['warning', 'info'],
  );
});

test('a server that cannot log is not told how', async (t) => {
  const { connection, seen } = await openScripted(t, () => done);
  await connection.exchange(callOf('act'), contextOf({ logLevel: 'debug' }), undefined);
  assert.deepEqual(
    seen.map(({ method }) => method),
    ['tools/call'],
  );
});

test('changes are heard on every stream, of resources only those that are watched', async (t) => {
  const changed = [
    eventWith({ method: 'notifications/tools/list_changed' }),
    eventWith({ method: 'notifications/prompts/list_changed' }),
    eventWith({ method: 'notifications/resources/list_changed' }),
    eventWith({ method: 'notifications/resources/updated', params: { uri: 'a:1' } }),
    eventWith({ method: 'notifications/resources/updated', params: { uri: 'a:2' } }),
  ];
  const { connection, changes, seen } = await openScripted(
    t,
    ({ id, method }) =>
      method === 'tools/call' ? eventsOf(...changed, eventWith({ id, result: done })) : {},
    { tools: {}, resources: { subscribe: true } },
  );
  await connection.watchResource('a:1');
  await connection.watchResource('a:1');
  await connection.exchange(callOf('act'), contextOf(), undefined);
  assert.deepEqual(changes, [
    { type: 'tools' },
    { type: 'prompts' },
    { type: 'resources' },
    { type: 'resource-updated', uri: 'a:1' },
  ]);
  await connection.unwatchResource('a:1');
  await connection.unwatchResource('a:1');
  const about = seen.filter(({ method }) => method.startsWith('resources/'));
  assert.deepEqual(
    about.map(({ method }) => method),
    ['resources/subscribe', 'resources/unsubscribe'],
  );
});

test('a resource that may not be watched is not, and is asked for again by whoever watches it next', async (t) => {
  let isRefused = true;
  const updated = eventWith({ method: 'notifications/resources/updated', params: { uri: 'a:1' } });
  const { connection, changes, seen } = await openScripted(
    t,
    ({ id, method }) => {
      if (method === 'tools/call') return eventsOf(updated, eventWith({ id, result: done }));
      return isRefused ? errorTo(id, -32_002, 'no such resource') : {};
    },
    { tools: {}, resources: { subscribe: true } },
  );
  const refused = isHostError('mcp_protocol_error', { server: 'srv', rpc_code: '-32002' });
  await assert.rejects(connection.watchResource('a:1'), refused);
  await connection.exchange(callOf('act'), contextOf(), undefined);
  assert.deepEqual(changes, []);
  isRefused = false;
  await connection.watchResource('a:1');
  assert.equal(seen.filter(({ method }) => method === 'resources/subscribe').length, 2);
  await connection.exchange(callOf('act'), contextOf(), undefined);
  assert.deepEqual(changes, [{ type: 'resource-updated', uri: 'a:1' }]);
});

test('a retired connection lets what is in flight end, takes nothing further and closes', async (t) => {
  const release = Promise.withResolvers<void>();
  const { connection, closings, seen, clock } = await openScripted(t, async (received) => {
    await release.promise;
    return answerTo(received, done);
  });
  const going = connection.exchange(callOf('act'), contextOf(), undefined);
  await until(() => seen.length === 1);
  connection.retire();
  await assert.rejects(
    connection.exchange(callOf('act'), contextOf(), undefined),
    isHostError('mcp_connection_failed', { tool: 'act' }),
  );
  assert.deepEqual(closings, []);
  release.resolve();
  assert.deepEqual(await going, { kind: 'complete', result: done });
  clock.advance(1_000);
  await until(() => closings.length === 1);
  assert.equal(closings[0], undefined);
  assert.equal(seen.length, 1);
});

test('a parked call can still be gone on with on a retired connection', async (t) => {
  const { connection, closings, clock } = await openConnection(
    t,
    await serveAsking(t, 'legacy http'),
  );
  const asked = await connection.exchange(callOf('ask'), contextOf(), undefined);
  assert.ok(asked.kind === 'input-required');
  connection.retire();
  const inputResponses = { 'input-1': { action: 'decline' } };
  const { requestState = '' } = asked;
  const params = { ...callOf('ask').params, inputResponses, requestState };
  const outcome = await connection.exchange(
    { method: 'tools/call', params },
    contextOf(),
    undefined,
  );
  assert.equal(outcome.kind, 'complete');
  clock.advance(1_000);
  await until(() => closings.length === 1);
});

test('closing fails what is in flight and what is parked', async (t) => {
  const opened = await openConnection(t, await serveAsking(t, 'legacy http'));
  const { connection, closings } = opened;
  await connection.exchange(callOf('ask'), contextOf(), undefined);
  const going = connection.exchange(callOf('wait'), contextOf(), undefined);
  const failing = assert.rejects(going, isHostError('mcp_connection_failed', { sent: 'true' }));
  await opened.close();
  await failing;
  assert.equal(connection.exchangesInFlight(), 0);
  assert.deepEqual(closings, [undefined]);
});

for (const status of [404, 400]) {
  test(`a stream that only listens and finds its session gone (${status}) ends the connection`, async (t) => {
    let listens = 0;
    const server = legacyServer(({ method }) => {
      if (method !== 'GET') return {};
      listens += 1;
      return listens === 1 ? eventsOf(': hello') : new Response('', { status });
    });
    const { closings, clock } = await openConnection(t, await serveHandler(t, server));
    await clock.elapse(750);
    await until(() => closings.length > 0);
    assert.ok(isHostError('mcp_connection_failed', { session_lost: 'true' })(closings[0]));
  });
}

test('a server without such a stream, whatever it says of it, is used all the same', async (t) => {
  const server = legacyServer(({ method }) =>
    method === 'GET' ? new Response('', { status: 404 }) : done,
  );
  const { connection, closings } = await openConnection(t, await serveHandler(t, server));
  const outcome = await connection.exchange(callOf('act'), contextOf(), undefined);
  assert.equal(outcome.kind, 'complete');
  assert.deepEqual(closings, []);
});

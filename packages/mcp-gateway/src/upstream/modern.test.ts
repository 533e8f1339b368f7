import assert from 'node:assert/strict';
import test from 'node:test';
import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import fc from 'fast-check';
import { isHostError, until } from '../fixtures/start-gateway.ts';
import { callOf, contextOf, goOn, openConnection } from './fixtures/open-connection.ts';
import {
  answerTo,
  errorTo,
  eventsOf,
  eventWith,
  modernServer,
  streamOf,
} from './fixtures/scripted-server.ts';
import type { Received, Script } from './fixtures/scripted-server.ts';
import { serveAsking, serveHandler } from './fixtures/serve-asking.ts';

const done = { resultType: 'complete', content: [{ type: 'text', text: 'done' }] };
const complete = { kind: 'complete', result: { content: done.content } };

for (const way of ['modern stdio', 'modern http'] as const) {
  test(`${way}: a server of the SDK asks by its result, and gets its own state back`, async (t) => {
    const { connection } = await openConnection(t, await serveAsking(t, way));
    const call = callOf('ask');
    const asked = await connection.exchange(call, contextOf(), undefined);
    assert.ok(asked.kind === 'input-required');
    assert.equal(asked.requestState, 'its own state');
    assert.equal(asked.inputRequests['who']?.method, 'elicitation/create');
    assert.equal(connection.exchangesInFlight(), 0);
    const answers = { who: { action: 'accept', content: { who: 'ann' } } };
    const answered = goOn(call, asked.requestState, answers);
    const outcome = await connection.exchange(answered, contextOf(), undefined);
    assert.ok(outcome.kind === 'complete');
    assert.match(JSON.stringify(outcome.result['content']), /its own state/);
  });
}

test('a request says whose capabilities it has, which version, what it is about and what else goes along', async (t) => {
  const seen: Received[] = [];
  const { connection } = await openConnection(
    t,
    await serveHandler(
      t,
      modernServer((received) => {
        seen.push(received);
        return done;
      }),
    ),
  );
  const tool = {
    name: 'act',
    inputSchema: {
      type: 'object',
      properties: { where: { type: 'string', 'x-mcp-header': 'Where' }, what: { type: 'string' } },
    },
  };
  const context = contextOf({
    capabilities: { elicitation: {} },
    meta: { traceparent: '00-1' },
    logLevel: 'notice',
    onProgress: () => {},
  });
  await connection.exchange(callOf('äct', { where: 'Köln', what: 'x' }), context, tool);
  await connection.exchange(
    { method: 'resources/read', params: { uri: 'a:b' } },
    contextOf(),
    undefined,
  );
  const [{ params, headers }, read] = seen as [Received, Received];
  const { progressToken, ...meta } = isJsonObject(params['_meta']) ? params['_meta'] : {};
  assert.equal(typeof progressToken, 'number');
  assert.deepEqual(meta, {
    traceparent: '00-1',
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'model-host', version: '1.2.3' },
    'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
    'io.modelcontextprotocol/logLevel': 'notice',
  });
  assert.equal(headers.get('mcp-protocol-version'), '2026-07-28');
  assert.equal(headers.get('mcp-method'), 'tools/call');
  assert.equal(headers.get('mcp-name'), '=?base64?w6RjdA==?=');
  assert.equal(headers.get('mcp-param-where'), '=?base64?S8O2bG4=?=');
  assert.equal(headers.get('mcp-param-what'), null);
  assert.equal(read.headers.get('mcp-name'), 'a:b');
});

test('a result comes back exactly as the server gave it', async (t) => {
  let result: JsonObject = {};
  const server = modernServer(() => ({ ...result, resultType: 'complete' }));
  const { connection } = await openConnection(t, await serveHandler(t, server));
  const member = fc
    .string()
    .filter((name) => !['resultType', 'content', '__proto__'].includes(name));
  await fc.assert(
    fc.asyncProperty(fc.dictionary(member, fc.jsonValue({ maxDepth: 4 })), async (members) => {
      // Whatever JSON says of -0 it says of 0.
      result = JSON.parse(JSON.stringify(members)) as JsonObject;
      const outcome = await connection.exchange(callOf('act'), contextOf(), undefined);
      assert.deepEqual(outcome, { kind: 'complete', result: { ...result } });
    }),
    { numRuns: 50 },
  );
});

const unreadable: readonly (readonly [string, JsonObject])[] = [
  ['an unknown kind of result', { resultType: 'perhaps' }],
  ['content that is no list', { resultType: 'complete', content: 5 }],
  ['input that is required of nobody', { resultType: 'input_required' }],
  ['a state that is no text', { resultType: 'input_required', requestState: 5 }],
  [
    'a request that nobody could answer',
    { resultType: 'input_required', inputRequests: { a: { method: 'tools/call' } } },
  ],
  ['a request that is none', { resultType: 'input_required', inputRequests: { a: 'b' } }],
  ['a task, for one who knows of no tasks', { resultType: 'task', taskId: 'a', status: 'working' }],
];

for (const [title, result] of unreadable) {
  test(`${title} is no answer`, async (t) => {
    const { connection } = await openConnection(
      t,
      await serveHandler(
        t,
        modernServer(() => result),
      ),
    );
    await assert.rejects(
      connection.exchange(callOf('act'), contextOf(), undefined),
      isHostError('mcp_protocol_error', { server: 'srv', tool: 'act', sent: 'true' }),
    );
  });
}

test("an error of the server is the server's own, with its data", async (t) => {
  const error = { code: -32_042, message: 'no', data: { elicitations: [] } };
  const server = modernServer(({ id }) =>
    Response.json({ jsonrpc: '2.0', id, error }, { status: 400 }),
  );
  const { connection } = await openConnection(t, await serveHandler(t, server));
  const outcome = await connection.exchange(callOf('act'), contextOf(), undefined);
  assert.deepEqual(outcome, { kind: 'error', error });
});

test('headers that do not fit any more have the tools read again', async (t) => {
  const server = modernServer(({ id }) => errorTo(id, -32_020, 'header mismatch', 400));
  const { connection, changes } = await openConnection(t, await serveHandler(t, server));
  const tool = { name: 'act', inputSchema: { type: 'object' } };
  const outcome = await connection.exchange(callOf('act'), contextOf(), tool);
  assert.equal(outcome.kind, 'error');
  assert.deepEqual(changes, [{ type: 'tools' }]);
});

for (const [title, script] of [
  ['says that it does not speak the version', ({ id }) => errorTo(id, -32_022, 'no', 400)],
  ['wants a session', () => errorTo('other', -32_000, 'Server not initialized', 400)],
  ['knows no such place', () => new Response('', { status: 404 })],
] satisfies readonly (readonly [string, Script])[]) {
  test(`a server of the modern era that ${title} has lost its era, and did nothing`, async (t) => {
    const { connection } = await openConnection(t, await serveHandler(t, modernServer(script)));
    await assert.rejects(connection.exchange(callOf('act'), contextOf(), undefined), (error) => {
      const facts = { era_lost: 'true', session_lost: 'true', tool: 'act' };
      assert.ok(isHostError('mcp_connection_failed', facts)(error));
      assert.ok(!isHostError('mcp_connection_failed', { sent: 'true' })(error));
      return true;
    });
  });
}

test('progress and log messages on the stream reach the one who waits, in their order, and renew the time', async (t) => {
  const stream = Promise.withResolvers<ReadableStreamDefaultController<Uint8Array>>();
  const received = Promise.withResolvers<Received>();
  const server = modernServer((incoming) => {
    received.resolve(incoming);
    return streamOf(new ReadableStream({ start: (controller) => stream.resolve(controller) }));
  });
  const transport = await serveHandler(t, server);
  const { connection, clock } = await openConnection(t, transport, { progressTimeoutMs: 1_000 });
  const told: JsonObject[] = [];
  const context = contextOf({
    logLevel: 'info',
    onProgress: (params) => told.push(params),
    onLog: (params) => told.push(params),
  });
  const going = connection.exchange(callOf('act'), context, undefined);
  const { id, params } = await received.promise;
  const meta = isJsonObject(params['_meta']) ? params['_meta'] : {};
  const { progressToken = null } = meta;
  const controller = await stream.promise;
  const send = (message: JsonObject): void =>
    controller.enqueue(Buffer.from(`${eventWith(message)}\n\n`));
  for (const progress of [1, 2, 3]) {
    clock.advance(900);
    send({ method: 'notifications/progress', params: { progressToken, progress } });
    // Each comes before the time moves on.
    await until(() => told.length === progress); // oxlint-disable-line no-await-in-loop
  }
  send({ method: 'notifications/message', params: { level: 'debug', data: 'too little' } });
  send({ method: 'notifications/message', params: { level: 'error', data: 'much' } });
  send({ method: 'notifications/other', params: {} });
  send({ id, result: done });
  assert.deepEqual(await going, complete);
  assert.deepEqual(told, [
    { progress: 1 },
    { progress: 2 },
    { progress: 3 },
    { level: 'error', data: 'much' },
  ]);
});

test('a stream that ends without an answer is not taken up again, and nothing is sent twice', async (t) => {
  let calls = 0;
  const server = modernServer(() => {
    calls += 1;
    return eventsOf('id: 1\nretry: 10\ndata:');
  });
  const { connection } = await openConnection(t, await serveHandler(t, server));
  await assert.rejects(
    connection.exchange(callOf('act'), contextOf(), undefined),
    isHostError('mcp_connection_failed', { sent: 'true' }),
  );
  assert.equal(calls, 1);
});

test('configured roots answer in the place of the caller, who is asked for the rest only', async (t) => {
  const roots = [{ uri: 'file:///srv', name: 'srv' }];
  const seen: JsonObject[] = [];
  const requests = {
    where: { method: 'roots/list' },
    who: { method: 'elicitation/create', params: { message: 'Who?' } },
  };
  const server = modernServer(({ params }) => {
    const { _meta: meta, ...rest } = params;
    seen.push(rest);
    assert.match(JSON.stringify(meta), /"roots":\{\}/);
    if (params['requestState'] === undefined) {
      return {
        resultType: 'input_required',
        inputRequests: { where: requests.where },
        requestState: 'one',
      };
    }
    if (params['requestState'] === 'one') {
      return { resultType: 'input_required', inputRequests: requests, requestState: 'two' };
    }
    return done;
  });
  const { connection } = await openConnection(t, await serveHandler(t, server), { roots });
  const call = callOf('act');
  const context = contextOf({ capabilities: { elicitation: {} } });
  const asked = await connection.exchange(call, context, undefined);
  assert.ok(asked.kind === 'input-required');
  assert.deepEqual(Object.keys(asked.inputRequests), ['who']);
  const answered = goOn(call, asked.requestState, { who: { action: 'decline' } });
  assert.deepEqual(await connection.exchange(answered, context, undefined), complete);
  assert.deepEqual(seen, [
    { name: 'act', arguments: {} },
    { name: 'act', arguments: {}, inputResponses: { where: { roots } }, requestState: 'one' },
    {
      name: 'act',
      arguments: {},
      inputResponses: { who: { action: 'decline' }, where: { roots } },
      requestState: 'two',
    },
  ]);
});

test('a server that asks for its roots without end is no longer answered', async (t) => {
  let calls = 0;
  const server = modernServer(() => {
    calls += 1;
    const inputRequests = { where: { method: 'roots/list' } };
    return { resultType: 'input_required', inputRequests, requestState: `${calls}` };
  });
  const roots = [{ uri: 'file:///srv', name: 'srv' }];
  const { connection } = await openConnection(t, await serveHandler(t, server), { roots });
  await assert.rejects(
    connection.exchange(callOf('act'), contextOf(), undefined),
    isHostError('mcp_protocol_error', { sent: 'true', tool: 'act' }),
  );
  assert.equal(calls, 9);
});

test('an answer to another request is no answer', async (t) => {
  const server = modernServer(() => answerTo({ id: 4_711 }, done));
  const { connection } = await openConnection(t, await serveHandler(t, server));
  await assert.rejects(
    connection.exchange(callOf('act'), contextOf(), undefined),
    isHostError('mcp_protocol_error', { sent: 'true' }),
  );
});

test('keys of an answer are what its text says, whatever an answer before it said', async (t) => {
  const texts = [String.raw`{"h":[],"\\":0}`, String.raw`{"h":1,"\"":2}`];
  let calls = 0;
  const server = modernServer(({ id }) => {
    const structured = texts[calls] ?? '';
    calls += 1;
    const result = `{"resultType":"complete","content":[],"structuredContent":${structured}}`;
    return new Response(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`, {
      headers: { 'content-type': 'application/json' },
    });
  });
  const { connection } = await openConnection(t, await serveHandler(t, server));
  const keys: unknown[] = [];
  for (const _ of texts) {
    // One after the other: the first would change the keys of the second.
    const outcome = await connection.exchange(callOf('act'), contextOf(), undefined); // oxlint-disable-line no-await-in-loop
    assert.ok(outcome.kind === 'complete');
    keys.push(Object.keys(Object(outcome.result['structuredContent'])));
  }
  assert.deepEqual(keys, [
    ['h', '\\'],
    ['h', '"'],
  ]);
});

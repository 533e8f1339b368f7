import assert from 'node:assert/strict';
import test from 'node:test';
import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import fc from 'fast-check';
import { isHostError, until } from '../fixtures/start-gateway.ts';
import {
  ableToAll,
  ann,
  bob,
  callOf,
  contextOf,
  goOn,
  openConnection,
} from './fixtures/open-connection.ts';
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

const withTasks = { ...ableToAll, extensions: { 'io.modelcontextprotocol/tasks': {} } };
const started = { resultType: 'task', taskId: 'task-1', status: 'working', pollIntervalMs: 500 };

/** A server whose tool goes on as a task, and what it was asked. */
function taskServer(states: readonly JsonObject[]): {
  readonly asked: string[];
  readonly script: Script;
} {
  const asked: string[] = [];
  let looks = 0;
  return {
    asked,
    script: ({ method, params, headers }) => {
      const { inputResponses } = params;
      asked.push(
        inputResponses === undefined ? method : `${method} ${JSON.stringify(inputResponses)}`,
      );
      if (method === 'tools/call') return started;
      assert.equal(params['taskId'], 'task-1');
      assert.equal(headers.get('mcp-name'), 'task-1');
      if (method !== 'tasks/get') return { resultType: 'complete' };
      looks += 1;
      return { resultType: 'complete', taskId: 'task-1', ...states[looks - 1] };
    },
  };
}

test('a task is followed at the pace of its server until it is done', async (t) => {
  const { script, asked } = taskServer([
    { status: 'working', pollIntervalMs: 2_000 },
    { status: 'completed', result: { content: done.content } },
  ]);
  const { connection, clock } = await openConnection(
    t,
    await serveHandler(t, modernServer(script)),
  );
  const going = connection.exchange(
    callOf('act'),
    contextOf({ capabilities: withTasks }),
    undefined,
  );
  await until(() => clock.delays().includes(500));
  clock.advance(500);
  await until(() => clock.delays().includes(2_000));
  clock.advance(2_000);
  assert.deepEqual(await going, complete);
  assert.deepEqual(asked, ['tools/call', 'tasks/get', 'tasks/get']);
});

for (const [title, state, error] of [
  [
    'fails',
    { status: 'failed', error: { code: -1, message: 'out of paper' } },
    { code: -1, message: 'out of paper' },
  ],
  [
    'is cancelled',
    { status: 'cancelled' },
    { code: -32_603, message: 'the server cancelled its task' },
  ],
] as const) {
  test(`a task that ${title} ends its exchange with an error`, async (t) => {
    const { script } = taskServer([state]);
    const { connection, clock } = await openConnection(
      t,
      await serveHandler(t, modernServer(script)),
    );
    const going = connection.exchange(
      callOf('act'),
      contextOf({ capabilities: withTasks }),
      undefined,
    );
    await until(() => clock.delays().includes(500));
    clock.advance(500);
    assert.deepEqual(await going, { kind: 'error', error });
  });
}

test('a task that needs input is gone on with by the one it belongs to, and by nobody else', async (t) => {
  const inputRequests = { who: { method: 'elicitation/create', params: { message: 'Who?' } } };
  const { script, asked } = taskServer([
    { status: 'input_required', inputRequests },
    { status: 'completed', result: { content: done.content } },
  ]);
  const { connection, clock } = await openConnection(
    t,
    await serveHandler(t, modernServer(script)),
  );
  const call = callOf('act');
  const context = contextOf({ capabilities: withTasks });
  const going = connection.exchange(call, context, undefined);
  await until(() => clock.delays().includes(500));
  clock.advance(500);
  const outcome = await going;
  assert.ok(outcome.kind === 'input-required');
  assert.deepEqual(outcome.inputRequests, inputRequests);
  const answered = goOn(call, outcome.requestState, { who: { action: 'decline' } });
  const refused = await connection.exchange(answered, { ...context, principal: bob }, undefined);
  assert.equal(refused.kind === 'error' && refused.error.code, -32_602);
  const gone = connection.exchange(answered, { ...context, principal: ann }, undefined);
  await until(() => clock.delays().includes(50));
  clock.advance(50);
  assert.deepEqual(await gone, complete);
  assert.deepEqual(asked, [
    'tools/call',
    'tasks/get',
    'tasks/update {"who":{"action":"decline"}}',
    'tasks/get',
  ]);
});

test('a task is cancelled with its exchange, at its time limit, and when nobody brings its input', async (t) => {
  const inputRequests = { who: { method: 'elicitation/create' } };
  const input = { status: 'input_required', inputRequests };
  const { script, asked } = taskServer([input]);
  const { connection, clock } = await openConnection(
    t,
    await serveHandler(t, modernServer(script)),
  );
  const cancels = (): number => asked.filter((method) => method === 'tasks/cancel').length;
  const cancelling = new AbortController();
  const context = contextOf({ capabilities: withTasks, signal: cancelling.signal });
  const cancelled = connection.exchange(callOf('act'), context, undefined);
  await until(() => clock.delays().includes(500));
  cancelling.abort(new Error('enough'));
  await assert.rejects(cancelled, /enough/);
  await until(() => cancels() === 1);
  const limited = contextOf({ capabilities: withTasks, timeoutMs: 400 });
  const late = connection.exchange(callOf('act'), limited, undefined);
  await until(() => clock.delays().includes(500));
  clock.advance(400);
  await assert.rejects(late, isHostError('mcp_timeout', { timeout_ms: '400' }));
  await until(() => cancels() === 2);
  const patient = contextOf({ capabilities: withTasks });
  const waiting = connection.exchange(callOf('act'), patient, undefined);
  await until(() => clock.delays().includes(500));
  clock.advance(500);
  assert.equal((await waiting).kind, 'input-required');
  assert.equal(connection.exchangesInFlight(), 1);
  clock.advance(300_000);
  await until(() => cancels() === 3);
  assert.equal(connection.exchangesInFlight(), 0);
});

test('an answer to another request is no answer', async (t) => {
  const server = modernServer(() => answerTo({ id: 4_711 }, done));
  const { connection } = await openConnection(t, await serveHandler(t, server));
  await assert.rejects(
    connection.exchange(callOf('act'), contextOf(), undefined),
    isHostError('mcp_protocol_error', { sent: 'true' }),
  );
});

import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { JsonObject } from '@modelhost/kernel';
import type { ToolServerSpec } from '../server-spec.ts';
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
import type { TestConnection } from './fixtures/open-connection.ts';
import { modernServer } from './fixtures/scripted-server.ts';
import { serveHandler } from './fixtures/serve-asking.ts';

const content = [{ type: 'text', text: 'done' }];
const complete = { kind: 'complete', result: { content } };

const withTasks = { ...ableToAll, extensions: { 'io.modelcontextprotocol/tasks': {} } };
const started = { resultType: 'task', taskId: 'task-1', status: 'working', pollIntervalMs: 500 };

/** A connection to a server whose tool goes on as a task in these states, and what the server was asked. */
async function openTasks(
  t: TestContext,
  states: readonly JsonObject[],
  changes: Partial<ToolServerSpec> = {},
): Promise<TestConnection & { readonly asked: readonly string[] }> {
  const asked: string[] = [];
  let looks = 0;
  const server = modernServer(({ method, params, headers }) => {
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
  });
  return { ...(await openConnection(t, await serveHandler(t, server), changes)), asked };
}

test('a task is followed at the pace of its server until it is done', async (t) => {
  const { connection, clock, asked } = await openTasks(t, [
    { status: 'working', pollIntervalMs: 2_000 },
    { status: 'completed', result: { content } },
  ]);
  const going = connection.exchange(
    callOf('act'),
    contextOf({ capabilities: withTasks }),
    undefined,
  );
  await clock.elapse(500);
  await clock.elapse(2_000);
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
    const { connection, clock } = await openTasks(t, [state]);
    const going = connection.exchange(
      callOf('act'),
      contextOf({ capabilities: withTasks }),
      undefined,
    );
    await clock.elapse(500);
    assert.deepEqual(await going, { kind: 'error', error });
  });
}

test('a task that needs input is gone on with by the one it belongs to, and by nobody else', async (t) => {
  const inputRequests = { who: { method: 'elicitation/create', params: { message: 'Who?' } } };
  const { connection, clock, asked } = await openTasks(t, [
    { status: 'input_required', inputRequests },
    { status: 'completed', result: { content } },
  ]);
  const call = callOf('act');
  const context = contextOf({ capabilities: withTasks });
  const going = connection.exchange(call, context, undefined);
  await clock.elapse(500);
  const outcome = await going;
  assert.ok(outcome.kind === 'input-required');
  assert.deepEqual(outcome.inputRequests, inputRequests);
  const answered = goOn(call, outcome.requestState, { who: { action: 'decline' } });
  const refused = await connection.exchange(answered, { ...context, principal: bob }, undefined);
  assert.equal(refused.kind === 'error' && refused.error.code, -32_602);
  const gone = connection.exchange(answered, { ...context, principal: ann }, undefined);
  await clock.elapse(50);
  assert.deepEqual(await gone, complete);
  assert.deepEqual(asked, [
    'tools/call',
    'tasks/get',
    'tasks/update {"who":{"action":"decline"}}',
    'tasks/get',
  ]);
});

test('a task that needs roots gets those that are configured, and asks its caller for nothing', async (t) => {
  const roots = [{ uri: 'file:///srv', name: 'srv' }];
  const states = [
    { status: 'input_required', inputRequests: { where: { method: 'roots/list' } } },
    { status: 'completed', result: { content } },
  ];
  const { connection, clock, asked } = await openTasks(t, states, { roots });
  const context = contextOf({ capabilities: withTasks });
  const going = connection.exchange(callOf('act'), context, undefined);
  await clock.elapse(500);
  await clock.elapse(1_000);
  assert.deepEqual(await going, complete);
  assert.deepEqual(asked, [
    'tools/call',
    'tasks/get',
    `tasks/update ${JSON.stringify({ where: { roots } })}`,
    'tasks/get',
  ]);
});

test('a task is cancelled with its exchange, at its time limit, and when nobody brings its input', async (t) => {
  const inputRequests = { who: { method: 'elicitation/create' } };
  const input = { status: 'input_required', inputRequests };
  const { connection, clock, asked } = await openTasks(t, [input]);
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
  await clock.elapse(500);
  assert.equal((await waiting).kind, 'input-required');
  assert.equal(connection.exchangesInFlight(), 1);
  clock.advance(300_000);
  await until(() => cancels() === 3);
  assert.equal(connection.exchangesInFlight(), 0);
});

test('a task that needs input is cancelled at once when it is given up', async (t) => {
  const inputRequests = { who: { method: 'elicitation/create' } };
  const { connection, clock, asked } = await openTasks(t, [
    { status: 'input_required', inputRequests },
  ]);
  const context = contextOf({ capabilities: withTasks });
  const going = connection.exchange(callOf('act'), context, undefined);
  await clock.elapse(500);
  const outcome = await going;
  assert.ok(outcome.kind === 'input-required' && outcome.requestState !== undefined);
  connection.abandon(outcome.requestState, bob);
  assert.equal(connection.exchangesInFlight(), 1);
  connection.abandon(outcome.requestState, ann);
  assert.equal(connection.exchangesInFlight(), 0);
  await until(() => asked.includes('tasks/cancel'));
});

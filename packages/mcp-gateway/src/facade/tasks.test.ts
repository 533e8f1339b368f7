import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'node:test';
import { HostError, isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { ExchangeOutcome } from '../relay.ts';
import {
  ann,
  createOutside,
  errorOf,
  listedTool,
  openCore,
  resultOf,
  textIn,
  textOf,
  textResult,
} from './fixtures/outside.ts';
import type { Answer, OpenCore, Outside } from './fixtures/outside.ts';

const capabilities = { elicitation: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } };
const confirm = {
  method: 'elicitation/create',
  params: { message: 'sure?', requestedSchema: { type: 'object', properties: {} } },
} as const;

/** A server whose tools may, must, or need not be tasks. */
function jobs(answer: Answer): Outside {
  const outside = createOutside(answer);
  outside.offer({
    up: {
      tools: [
        listedTool('quick'),
        listedTool('may', { execution: { taskSupport: 'optional' } }),
        listedTool('must', { _meta: { 'modelhost/taskSupport': 'required' } }),
      ],
    },
  });
  return outside;
}

/** Answers that a test gives when it likes, in the order of the calls. */
function held(): { readonly answer: Answer; readonly give: (outcome: ExchangeOutcome) => void } {
  const waiting: ((outcome: ExchangeOutcome) => void)[] = [];
  return {
    answer: () => new Promise((resolve) => waiting.push(resolve)),
    give: (outcome) => waiting.shift()?.(outcome),
  };
}

async function begin(
  { ask }: OpenCore,
  name: string,
  declared: JsonObject = capabilities,
): Promise<string> {
  const params = { name, arguments: {} };
  const created = resultOf(await ask('tools/call', params, { capabilities: declared }));
  assert.equal(created['resultType'], 'task');
  return textIn(created['taskId']);
}

async function get({ ask }: OpenCore, taskId: string): Promise<JsonObject> {
  return resultOf(await ask('tasks/get', { taskId }, { capabilities }));
}

test('a tool that may be a task is one at once, and its result is in the task', async () => {
  const { answer, give } = held();
  const open = openCore(jobs(answer));
  const created = resultOf(await open.ask('tools/call', { name: 'up__may' }, { capabilities }));
  assert.deepEqual(created, {
    resultType: 'task',
    taskId: 'id-1',
    status: 'working',
    createdAt: '2026-11-25T00:00:00.000Z',
    lastUpdatedAt: '2026-11-25T00:00:00.000Z',
    ttlMs: 900_000,
    pollIntervalMs: 500,
  });
  assert.equal((await get(open, 'id-1'))['status'], 'working');
  open.clock.advance(1_000);
  give(textResult('done'));
  await turn();
  const { status, result, lastUpdatedAt, resultType } = await get(open, 'id-1');
  assert.deepEqual(
    [status, lastUpdatedAt, resultType],
    ['completed', '2026-11-25T00:00:01.000Z', undefined],
  );
  assert.deepEqual(result, { content: [{ type: 'text', text: 'done' }] });
});

test('a tool that failed is a completed task, and an error of the protocol a failed one', async () => {
  const faults: readonly (readonly [Answer, string, string])[] = [
    [() => ({ kind: 'complete', result: { content: [], isError: true } }), 'completed', 'result'],
    [() => Promise.reject(new HostError('policy_violation', 'denied')), 'completed', 'result'],
    [() => ({ kind: 'error', error: { code: -32_603, message: 'broke' } }), 'failed', 'error'],
    [() => Promise.reject(new Error('secret')), 'failed', 'error'],
  ];
  for (const [answer, status, member] of faults) {
    const open = openCore(jobs(answer));
    const id = await begin(open, 'up__may');
    await turn();
    const task = await get(open, id);
    assert.equal(task['status'], status);
    assert.ok(isJsonObject(task[member]));
    assert.equal('result' in task && 'error' in task, false);
    assert.doesNotMatch(JSON.stringify(task), /secret/);
  }
});

test('a client that does not know tasks waits, and is refused where a task is a must', async () => {
  const open = openCore(jobs(() => textResult('done')));
  assert.equal(textOf(await open.ask('tools/call', { name: 'up__may' })), 'done');
  const refused = await open.ask('tools/call', { name: 'up__must' });
  assert.equal(errorOf(refused)[0], -32_021);
  assert.deepEqual(refused.kind === 'error' && refused.error.data, {
    requiredCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } },
  });
  for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
    assert.equal(errorOf(await open.ask(method, { taskId: 'x' }))[0], -32_021);
  }
  const legacy = await open.ask(
    'tools/call',
    { name: 'up__must' },
    { capabilities, era: 'legacy' },
  );
  assert.equal(textOf(legacy), 'done');
});

test('answers that are none are refused, and the task still waits for them', async () => {
  const open = openCore(
    jobs(() => ({
      kind: 'input-required',
      inputRequests: { first: confirm },
      requestState: undefined,
    })),
  );
  const taskId = await begin(open, 'up__may');
  await turn();
  for (const inputResponses of [undefined, 'yes', [], { '1:first': 'yes' }]) {
    const refused = await open.ask('tasks/update', { taskId, inputResponses }, { capabilities });
    assert.equal(errorOf(refused)[0], -32_602);
  }
  const { status, inputRequests } = await get(open, taskId);
  assert.deepEqual([status, Object.keys(Object(inputRequests))], ['input_required', ['1:first']]);
});

test('what a task asks is in the task, and it goes on once all is answered', async () => {
  const requests = { first: confirm, second: confirm };
  const outside = jobs(({ exchange }) =>
    exchange.params['inputResponses'] === undefined
      ? { kind: 'input-required', inputRequests: requests, requestState: 'of up' }
      : textResult('done'),
  );
  const open = openCore(outside);
  const id = await begin(open, 'up__may');
  await turn();
  const asked = await get(open, id);
  assert.equal(asked['status'], 'input_required');
  assert.equal('requestState' in asked, false);
  assert.deepEqual(asked['inputRequests'], { '1:first': confirm, '1:second': confirm });
  const update = async (inputResponses: JsonObject): Promise<JsonObject> =>
    resultOf(await open.ask('tasks/update', { taskId: id, inputResponses }, { capabilities }));
  assert.deepEqual(await update({ '1:first': { action: 'accept' }, unknown: {} }), {});
  const partly = await get(open, id);
  assert.deepEqual(partly['inputRequests'], { '1:second': confirm });
  await update({ '1:first': { action: 'decline' }, '1:second': { action: 'cancel' } });
  await turn();
  assert.equal((await get(open, id))['status'], 'completed');
  assert.deepEqual(outside.arrivals[1]?.exchange.params, {
    name: 'may',
    arguments: {},
    inputResponses: { first: { action: 'accept' }, second: { action: 'cancel' } },
    requestState: 'of up',
  });
});

test('a task that asks for what its client cannot give fails', async () => {
  const sampling = { method: 'sampling/createMessage', params: {} } as const;
  const open = openCore(
    jobs(() => ({
      kind: 'input-required',
      inputRequests: { a: sampling },
      requestState: undefined,
    })),
  );
  const id = await begin(open, 'up__may');
  await turn();
  const { status, error } = await get(open, id);
  assert.equal(status, 'failed');
  assert.equal(isJsonObject(error) && error['code'], -32_021);
});

test('a tool that must be a task may ask first, and becomes one when it goes on', async () => {
  const { answer, give } = held();
  const open = openCore(jobs(answer));
  const first = open.ask('tools/call', { name: 'up__must' }, { capabilities });
  await turn();
  give({ kind: 'input-required', inputRequests: { name: confirm }, requestState: 'of up' });
  const asked = await first;
  assert.equal(asked.kind, 'input-required');
  const { requestState } = asked;
  const params = { name: 'up__must', requestState, inputResponses: { name: {} } };
  const second = open.ask('tools/call', params, { capabilities });
  await turn();
  open.clock.advance(1_000);
  const created = resultOf(await second);
  assert.equal(created['resultType'], 'task');
  give(textResult('done'));
  await turn();
  assert.equal((await get(open, textIn(created['taskId'])))['status'], 'completed');
});

test('a tool that must be a task is one even when it has ended already', async () => {
  const open = openCore(jobs(() => textResult('done')));
  const id = await begin(open, 'up__must');
  await turn();
  assert.equal((await get(open, id))['status'], 'completed');
});

test('any call that takes long becomes a task, if the view says so and the client can', async () => {
  const { answer, give } = held();
  const open = openCore(jobs(answer), { taskAfterMs: 2_000 });
  const quick = open.ask('tools/call', { name: 'up__quick' }, { capabilities });
  await turn();
  open.clock.advance(1_999);
  give(textResult('in time'));
  assert.equal(textOf(await quick), 'in time');
  assert.equal(open.clock.timers(), 0);
  const slow = open.ask('tools/call', { name: 'up__quick' }, { capabilities });
  await turn();
  open.clock.advance(2_000);
  const { taskId } = resultOf(await slow);
  give(textResult('late'));
  await turn();
  assert.equal((await get(open, textIn(taskId)))['status'], 'completed');
});

test('a client that goes before the task begins ends the call, and one that goes later does not', async () => {
  const { answer } = held();
  const outside = jobs(answer);
  const open = openCore(outside, { taskAfterMs: 2_000 });
  const early = new AbortController();
  void open.ask('tools/call', { name: 'up__quick' }, { capabilities, signal: early.signal });
  await turn();
  early.abort();
  assert.equal(outside.arrivals[0]?.context.signal.aborted, true);
  const late = new AbortController();
  await open.ask('tools/call', { name: 'up__may' }, { capabilities, signal: late.signal });
  late.abort();
  assert.equal(outside.arrivals[1]?.context.signal.aborted, false);
});

test('a cancelled task stays cancelled, and its call is stopped', async () => {
  const { answer, give } = held();
  const outside = jobs(answer);
  const open = openCore(outside);
  const id = await begin(open, 'up__may');
  for (let round = 0; round < 2; round += 1) {
    const cancelled = await open.ask('tasks/cancel', { taskId: id }, { capabilities });
    assert.deepEqual(resultOf(cancelled), {});
  }
  assert.equal(outside.arrivals[0]?.context.signal.aborted, true);
  give(textResult('too late'));
  await turn();
  assert.equal((await get(open, id))['status'], 'cancelled');
});

test('the server hears of a question in a task that was cancelled, or whose client cannot answer', async () => {
  const outside = jobs(() => ({
    kind: 'input-required',
    inputRequests: { who: confirm },
    requestState: 'mine',
  }));
  const open = openCore(outside);
  const id = await begin(open, 'up__may');
  await turn();
  assert.deepEqual(outside.abandoned, []);
  for (let round = 0; round < 2; round += 1) {
    await open.ask('tasks/cancel', { taskId: id }, { capabilities });
  }
  assert.deepEqual(outside.abandoned, ['acme ann up mine']);
  const { elicitation: _, ...unable } = capabilities;
  await begin(open, 'up__may', unable);
  await turn();
  assert.deepEqual(outside.abandoned, ['acme ann up mine', 'acme ann up mine']);
});

test('abuse A10: a task of somebody else is as unknown as one that never was, whatever is done with it', async () => {
  const { answer } = held();
  const outside = jobs(answer);
  const open = openCore(outside);
  const id = await begin(open, 'up__may');
  const others = [
    { tenant: 'acme', subject: 'bob', roles: ['admin'] },
    { tenant: 'evil', subject: 'ann', roles: [] },
  ];
  for (const principal of others) {
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const ask = (taskId: string): ReturnType<OpenCore['ask']> =>
        open.ask(method, { taskId, inputResponses: {} }, { capabilities, principal });
      const absent = await ask('id-999');
      assert.equal(errorOf(absent)[0], -32_602);
      assert.deepEqual(await ask(id), absent);
    }
    const filter = { notifications: { taskIds: [id] } };
    const accepted: unknown[] = [];
    const onAccept = (honoured: unknown): void => void accepted.push(honoured);
    const caller = { principal, capabilities, era: 'modern' } as const;
    open.core.subscribe(caller, filter, { onAccept, onRefuse() {}, onChange() {}, onEnd() {} });
    assert.deepEqual(accepted, [{}]);
  }
  assert.equal((await get(open, id))['status'], 'working');
});

test('a tenant has room for so many tasks; then its calls wait, and what must be a task is refused', async () => {
  const outside = jobs(() => textResult('done'));
  const open = openCore(outside, {}, { tasksPerTenantMax: 1, tasksMax: 2, taskTtlMs: 10_000 });
  await begin(open, 'up__may');
  assert.equal(textOf(await open.ask('tools/call', { name: 'up__may' }, { capabilities })), 'done');
  const must = await open.ask('tools/call', { name: 'up__must' }, { capabilities });
  assert.equal(resultOf(must)['isError'], true);
  const principal = { ...ann, tenant: 'other' };
  const elsewhere = await open.ask('tools/call', { name: 'up__may' }, { capabilities, principal });
  assert.equal(resultOf(elsewhere)['resultType'], 'task');
  const third = { ...ann, tenant: 'third' };
  const full = await open.ask(
    'tools/call',
    { name: 'up__may' },
    { capabilities, principal: third },
  );
  assert.equal(textOf(full), 'done');
  open.clock.advance(10_000);
  await begin(open, 'up__may');
});

test('a task is kept for its time and then forgotten, with its call', async () => {
  const { answer } = held();
  const outside = jobs(answer);
  const open = openCore(outside, {}, { taskTtlMs: 10_000 });
  const id = await begin(open, 'up__may');
  open.clock.advance(9_999);
  assert.equal((await get(open, id))['status'], 'working');
  open.clock.advance(1);
  assert.equal(errorOf(await open.ask('tasks/get', { taskId: id }, { capabilities }))[0], -32_602);
  assert.equal(outside.arrivals[0]?.context.signal.aborted, true);
});

test('results of tasks have room for so many bytes; a result beyond is dropped, and its task says so', async () => {
  for (const bounds of [{ taskBytesMax: 200 }, { taskBytesPerTenantMax: 200 }]) {
    const open = openCore(
      jobs(() => textResult('x'.repeat(80))),
      {},
      bounds,
    );
    const [first, second] = [await begin(open, 'up__may'), await begin(open, 'up__may')];
    await turn();
    assert.equal((await get(open, first))['status'], 'completed');
    assert.equal((await get(open, second))['status'], 'failed');
  }
});

test('the end of the façade is the end of its tasks', async () => {
  const { answer } = held();
  const outside = jobs(answer);
  const open = openCore(outside);
  await begin(open, 'up__may');
  open.core.close();
  assert.equal(outside.arrivals[0]?.context.signal.aborted, true);
});

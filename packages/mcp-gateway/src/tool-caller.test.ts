import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject, ToolInvocation, ToolProgress, ToolReply } from '@modelhost/kernel';
import { serveHttp } from './fixtures/http-server.ts';
import {
  fixtureProcess,
  invocationOf,
  isHostError,
  serverSpec,
  somebody,
  startGateway,
} from './fixtures/start-gateway.ts';
import type { StartedGateway } from './fixtures/start-gateway.ts';

const { signal } = new AbortController();

async function startAsking(t: TestContext): Promise<StartedGateway> {
  const started = startGateway(t, [serverSpec('fix', fixtureProcess('asking-process'))]);
  await started.gateway.connected();
  return started;
}

/** A call of somebody who can answer whatever a server may ask. */
function answerable(tool: string, text: string): ToolInvocation {
  const canAnswer = ['elicitation/create', 'sampling/createMessage'] as const;
  return { ...invocationOf(tool, { text }), canAnswer };
}

function asksForInput(reply: ToolReply): ToolReply & { readonly type: 'input-required' } {
  assert.ok(reply.type === 'input-required');
  return reply;
}

test('progress of a call comes in order, before its answer', async (t) => {
  const { call } = await startAsking(t);
  const told: ToolProgress[] = [];
  const answer = await call('fix__work', {}, { onProgress: (progress) => told.push(progress) });
  assert.equal(answer.content, 'worked');
  const expected = [1, 2, 3, 4, 5].map((progress) => ({
    progress,
    total: 5,
    message: `step ${progress}`,
  }));
  assert.deepEqual(told, expected);
});

test('of calls in flight the one that is cancelled is named to the server, and no other', async (t) => {
  const { call, logged, entries } = await startAsking(t);
  const texts = ['one', 'two', 'three'];
  const cancels = texts.map(() => new AbortController());
  const calls = texts.map((text, index) => call('fix__wait', { text }, cancels[index]));
  await Promise.all(texts.map((text) => logged(`waiting ${text}`)));
  cancels[1]?.abort(new Error('enough'));
  await assert.rejects(calls[1] ?? Promise.resolve(), /enough/);
  await logged('cancelled two');
  assert.equal((await call('fix__echo', { text: 'still here' })).content, 'still here');
  assert.equal(entries.filter(({ message }) => message.startsWith('cancelled')).length, 1);
  for (const index of [0, 2]) {
    cancels[index]?.abort(new Error('over'));
    await assert.rejects(calls[index] ?? Promise.resolve(), /over/); // oxlint-disable-line no-await-in-loop
  }
});

test('a server of 2025-11-25 that asks back gets its answer, and the call goes on', async (t) => {
  const { gateway } = await startAsking(t);
  const invocation = answerable('fix__ask', 'Which color?');
  const { state, requests } = asksForInput(await gateway.callTool(invocation, { signal }));
  const [key = '', ...others] = Object.keys(requests);
  assert.deepEqual(others, []);
  assert.equal(requests[key]?.method, 'elicitation/create');
  assert.equal(requests[key]?.params['message'], 'Which color?');
  const answers = { [key]: { action: 'accept', content: { color: 'red' } } };
  const resumed = { ...invocation, resume: { state, answers } };
  const reply = await gateway.callTool(resumed, { signal });
  assert.ok(reply.type === 'answer');
  assert.equal(reply.content, 'heard {"action":"accept","content":{"color":"red"}}');
  // The call is over: going on with it once more is going on with nothing.
  await assert.rejects(gateway.callTool(resumed, { signal }), (error) => {
    assert.ok(error instanceof Error);
    return true;
  });
});

test('a server that asks somebody who cannot answer is refused at once, and goes on without', async (t) => {
  const { call } = await startAsking(t);
  assert.equal((await call('fix__ask', { text: 'Which color?' })).content, 'heard undefined');
});

test('somebody else cannot go on with a call that was asked for input', async (t) => {
  const { gateway } = await startAsking(t);
  const invocation = answerable('fix__ask', 'Which color?');
  const { state, requests } = asksForInput(await gateway.callTool(invocation, { signal }));
  const [key = ''] = Object.keys(requests);
  const resume = { state, answers: { [key]: { action: 'decline' } } };
  for (const other of [
    { ...somebody, tenant: 'rival' },
    { ...somebody, subject: 'bob' },
  ]) {
    // oxlint-disable-next-line no-await-in-loop
    await assert.rejects(gateway.callTool({ ...invocation, principal: other, resume }, { signal }));
  }
  const reply = await gateway.callTool({ ...invocation, resume }, { signal });
  assert.ok(reply.type === 'answer');
});

test('a state that is not one of the gateway is refused', async (t) => {
  const { gateway } = await startAsking(t);
  for (const state of ['', '5', '[]', '{"requestState":5}', 'null', '"text"']) {
    const invocation = { ...invocationOf('fix__ask'), resume: { state, answers: {} } };
    // oxlint-disable-next-line no-await-in-loop
    await assert.rejects(
      gateway.callTool(invocation, { signal }),
      isHostError('validation_failed'),
    );
  }
});

test('a server of 2026-07-28 that asks for input gets the answers and its own state back', async (t) => {
  const heard: JsonObject[] = [];
  const fixture = await serveHttp(async (request) => {
    const message: unknown = await request.json();
    assert.ok(isJsonObject(message));
    return Response.json({
      jsonrpc: '2.0',
      id: message['id'],
      result: answerModern(message, heard),
    });
  });
  t.after(() => fixture.close());
  const transport = { type: 'http', url: fixture.url, headers: {} } as const;
  const { gateway } = startGateway(t, [serverSpec('fix', transport)]);
  await gateway.connected();
  const invocation = answerable('fix__act', 'a');
  const first = asksForInput(await gateway.callTool(invocation, { signal }));
  assert.deepEqual(first.requests, {
    color: { method: 'elicitation/create', params: { message: 'Which color?' } },
    words: { method: 'sampling/createMessage', params: { messages: [], maxTokens: 5 } },
  });
  const answers = { color: { action: 'decline' }, words: { role: 'assistant' } };
  const reply = await gateway.callTool(
    { ...invocation, resume: { state: first.state, answers } },
    { signal },
  );
  assert.ok(reply.type === 'answer' && reply.content === 'done');
  const [asked, resumed] = heard;
  assert.deepEqual([asked?.['inputResponses'], asked?.['requestState']], [undefined, undefined]);
  assert.deepEqual(resumed?.['inputResponses'], answers);
  assert.equal(resumed?.['requestState'], 'opaque');
  assert.deepEqual(resumed?.['arguments'], { text: 'a' });
});

/** A server that asks once, and is done when it has what it asked for. */
function answerModern({ method, params }: JsonObject, heard: JsonObject[]): object {
  const common = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
  if (method === 'server/discover') {
    return { ...common, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } };
  }
  if (method !== 'tools/call') {
    return { ...common, tools: [{ name: 'act', inputSchema: { type: 'object' } }] };
  }
  assert.ok(isJsonObject(params));
  heard.push(params);
  if ('requestState' in params) return { ...common, content: [{ type: 'text', text: 'done' }] };
  return {
    resultType: 'input_required',
    requestState: 'opaque',
    inputRequests: {
      color: { method: 'elicitation/create', params: { message: 'Which color?' } },
      words: { method: 'sampling/createMessage', params: { messages: [], maxTokens: 5 } },
    },
  };
}

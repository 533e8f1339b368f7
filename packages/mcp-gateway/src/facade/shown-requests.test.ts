import assert from 'node:assert/strict';
import test from 'node:test';
import { HostError, isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import type { InputRequest } from '../relay.ts';
import {
  createOutside,
  errorOf,
  listedTool,
  openCore,
  resultOf,
  textOf,
} from './fixtures/outside.ts';
import type { Outside } from './fixtures/outside.ts';
import { showRequests } from './shown-requests.ts';

const form = { type: 'object', properties: { name: { type: 'string' } } };

function shownOf(method: InputRequest['method'], params: JsonObject): JsonObject {
  return showRequests('up__tool', { a: { method, params } })['a']?.params ?? {};
}

function refusalOf(method: InputRequest['method'], params: JsonObject): string {
  try {
    shownOf(method, params);
  } catch (thrown) {
    assert.ok(thrown instanceof HostError && thrown.code === 'mcp_protocol_error');
    return thrown.message;
  }
  return assert.fail('it was shown');
}

/** A server whose one tool asks for this before anything else. */
function asking(requests: Readonly<Record<string, InputRequest>>, more: JsonObject = {}): Outside {
  const outside = createOutside(() => ({
    kind: 'input-required',
    inputRequests: requests,
    requestState: 'parked-1',
  }));
  outside.offer({ up: { tools: [listedTool('tool', more)] } });
  return outside;
}

test('a form is shown without what is hidden in it, and without what no form has', () => {
  const shown = shownOf('elicitation/create', {
    mode: 'form',
    message: 'Who\u200B are \u001B[31myou\u202E?',
    requestedSchema: { ...form, $defs: { evil: {} } },
    extra: { html: '<b>' },
  });
  assert.deepEqual(shown, { mode: 'form', message: 'Who are you?', requestedSchema: form });
});

test('a request that cannot be shown is refused by its name', () => {
  const cases: readonly (readonly [JsonObject, RegExp])[] = [
    [{ requestedSchema: form }, /^up__tool: its request for input has no message$/],
    [{ message: 'x', mode: 'iframe', requestedSchema: form }, /neither a form nor an address/],
    [{ message: 'x' }, /has no flat schema/],
    [
      { message: 'x', mode: 'url', url: 'https://a.example', elicitationId: 'a\u200B' },
      /has an id/,
    ],
  ];
  for (const [params, message] of cases) {
    assert.match(refusalOf('elicitation/create', params), message);
  }
});

test('a person is sent only to an address of the web, which keeps the id that it came with', () => {
  const page = { mode: 'url', message: 'Open it.', elicitationId: 'e-1' };
  const url = 'https://b\u0430nk.example.com/';
  const shown = shownOf('elicitation/create', { ...page, url });
  assert.deepEqual(shown, { ...page, url: 'https://xn--bnk-6cd.example.com/' });
  const script = { ...page, url: 'javascript:alert(1)' };
  assert.match(refusalOf('elicitation/create', script), /of the web/);
});

test('texts for a model of the client are cleaned, and pictures are as they were', () => {
  const image = { type: 'image', data: 'AAAA\u200B', mimeType: 'image/png' };
  const text = { type: 'text', text: 'Say\u{E0041} it\nnow\u0007' };
  const shown = shownOf('sampling/createMessage', {
    systemPrompt: 'Be\u202E kind',
    messages: [{ role: 'user', content: [text, image] }],
    maxTokens: 10,
    tools: [{ name: 't', description: 'T\u200Bool', inputSchema: { type: 'object' } }],
    _meta: { progressToken: 1, 'vendor/note': 'a\u200Bb' },
  });
  assert.deepEqual(shown, {
    systemPrompt: 'Be kind',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Say it\nnow' }, image] }],
    maxTokens: 10,
    tools: [{ name: 't', description: 'Tool', inputSchema: { type: 'object' } }],
    _meta: { 'vendor/note': 'ab' },
  });
});

test('what would become something else when it is cleaned, or is too deep, is refused', () => {
  let nested: Json = 'x';
  for (let depth = 0; depth < 100_000; depth += 1) nested = depth % 2 === 0 ? [nested] : { nested };
  assert.match(refusalOf('sampling/createMessage', { metadata: nested }), /nested deeper than 64/);
  assert.match(
    refusalOf('sampling/createMessage', { 'a\u200B': 1 }),
    /hidden characters in its name/,
  );
});

test('one request that cannot be shown keeps all from being shown, and so do too many', () => {
  const good: InputRequest = { method: 'roots/list', params: {} };
  const bad: InputRequest = { method: 'elicitation/create', params: {} };
  assert.throws(() => showRequests('up', { good, bad }), { code: 'mcp_protocol_error' });
  const keys = Array.from({ length: 65 }, (_, at) => [`k${at}`, good] as const);
  assert.throws(() => showRequests('up', Object.fromEntries(keys)), /more than 64 answers/);
  assert.equal(Object.keys(showRequests('up', Object.fromEntries(keys.slice(1)))).length, 64);
});

const unsafe: InputRequest = {
  method: 'elicitation/create',
  params: { mode: 'url', message: 'Open it.', url: 'javascript:alert(1)' },
};
const canAll = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };

for (const era of ['modern', 'legacy'] as const) {
  test(`a request that cannot be shown ends the call of a ${era} client, and its server is told`, async () => {
    const outside = asking({ link: unsafe });
    const { ask } = openCore(outside);
    const from = { capabilities: canAll, era };
    const outcome = await ask('tools/call', { name: 'up__tool' }, from);
    assert.equal(resultOf(outcome)['isError'], true);
    assert.match(textOf(outcome), /^up__tool: its request for input wants a person to open/);
    assert.doesNotMatch(JSON.stringify(outcome), /javascript/);
    assert.deepEqual(outside.abandoned, ['acme ann up parked-1']);
  });
}

test('a task whose request cannot be shown ends with the reason, and its server is told', async () => {
  const outside = asking({ link: unsafe }, { execution: { taskSupport: 'optional' } });
  const { ask } = openCore(outside);
  const capabilities = { ...canAll, extensions: { 'io.modelcontextprotocol/tasks': {} } };
  const { taskId } = resultOf(await ask('tools/call', { name: 'up__tool' }, { capabilities }));
  const task = resultOf(await ask('tasks/get', { taskId: taskId ?? null }, { capabilities }));
  assert.equal(task['status'], 'completed');
  assert.ok(isJsonObject(task['result']) && task['result']['isError'] === true);
  assert.match(JSON.stringify(task), /not one of the web/);
  assert.deepEqual(outside.abandoned, ['acme ann up parked-1']);
});

test('a client is shown what was cleaned, now and in a task', async () => {
  const params = { message: 'Su\u200Bre?', requestedSchema: { ...form, pattern: '(a+)+$' } };
  const requests = { a: { method: 'elicitation/create', params } } as const;
  const clean = {
    method: 'elicitation/create',
    params: { message: 'Sure?', requestedSchema: form },
  };
  const plain = openCore(asking(requests));
  const asked = await plain.ask('tools/call', { name: 'up__tool' }, { capabilities: canAll });
  assert.ok(asked.kind === 'input-required');
  assert.deepEqual(asked.inputRequests, { a: clean });
  const { ask } = openCore(asking(requests, { execution: { taskSupport: 'optional' } }));
  const capabilities = { ...canAll, extensions: { 'io.modelcontextprotocol/tasks': {} } };
  const { taskId } = resultOf(await ask('tools/call', { name: 'up__tool' }, { capabilities }));
  const task = resultOf(await ask('tasks/get', { taskId: taskId ?? null }, { capabilities }));
  assert.deepEqual(task['inputRequests'], { '1:a': clean });
});

test('a client is asked only for what it declares', async () => {
  const fields = { message: '', requestedSchema: form };
  const fill = { method: 'elicitation/create', params: fields } as const;
  const page = { mode: 'url', message: '', url: 'https://example.com/' };
  const url = { method: 'elicitation/create', params: page } as const;
  const sampling = { method: 'sampling/createMessage', params: {} } as const;
  const tools = { method: 'sampling/createMessage', params: { tools: [] } } as const;
  const cases = [
    [fill, {}, { elicitation: {} }],
    [fill, { elicitation: { url: {} } }, { elicitation: {} }],
    [url, { elicitation: {} }, { elicitation: { url: {} } }],
    [sampling, { elicitation: {} }, { sampling: {} }],
    [tools, { sampling: {} }, { sampling: { tools: {} } }],
    [fill, { elicitation: {} }, undefined],
    [fill, { elicitation: { form: {}, url: {} } }, undefined],
    [url, { elicitation: { url: {} } }, undefined],
    [tools, { sampling: { tools: {} } }, undefined],
  ] as const;
  for (const [request, capabilities, lacking] of cases) {
    const { ask } = openCore(asking({ a: request }));
    const outcome = await ask('tools/call', { name: 'up__tool' }, { capabilities });
    if (lacking === undefined) {
      assert.equal(outcome.kind, 'input-required');
    } else {
      assert.equal(errorOf(outcome)[0], -32_021);
      const data = outcome.kind === 'error' ? outcome.error.data : undefined;
      assert.deepEqual(data, { requiredCapabilities: lacking });
    }
  }
});

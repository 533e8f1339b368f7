import assert from 'node:assert/strict';
import test from 'node:test';
import { HostError } from '@modelhost/kernel';
import type { ErrorCode, Principal } from '@modelhost/kernel';
import {
  createOutside,
  errorOf,
  listedTool,
  namesOf,
  openCore,
  resultOf,
  textOf,
  textResult,
} from './fixtures/outside.ts';
import type { Outside } from './fixtures/outside.ts';

/** Two servers with a tool of the same name. */
function twoServers(outside: Outside): void {
  outside.offer({
    files: {
      tools: [listedTool('read', { title: 'Read' }), listedTool('write')],
      prompts: [{ name: 'review' }],
      resources: [{ uri: 'file:///a', name: 'a' }],
      resourceTemplates: [{ uriTemplate: 'file:///{path}', name: 'any' }],
      capabilities: { completions: {} },
      instructions: 'Files are here.',
    },
    mail: { tools: [listedTool('read'), listedTool('send')], prompts: [{ name: 'review' }] },
  });
}

test('lists show each thing under the name of the view, and everything else as its server has it', async () => {
  const outside = createOutside();
  twoServers(outside);
  const { ask } = openCore(outside);
  const tools = await ask('tools/list');
  assert.deepEqual(namesOf(tools, 'tools'), [
    'files__read',
    'files__write',
    'mail__read',
    'mail__send',
  ]);
  assert.deepEqual(namesOf(tools, 'tools', 'title')[0], 'Read');
  assert.deepEqual(namesOf(await ask('prompts/list'), 'prompts'), [
    'files__review',
    'mail__review',
  ]);
  assert.deepEqual(namesOf(await ask('resources/list'), 'resources', 'uri'), ['files+file:///a']);
  const templates = await ask('resources/templates/list', {});
  assert.deepEqual(namesOf(templates, 'resourceTemplates', 'uriTemplate'), [
    'files+file:///{path}',
  ]);
});

test('what the view leaves out is neither listed nor called', async () => {
  const outside = createOutside();
  twoServers(outside);
  const { ask } = openCore(outside, { tools: ['files__read', 'mail__*'], servers: ['files'] });
  assert.deepEqual(namesOf(await ask('tools/list'), 'tools'), ['files__read']);
  assert.deepEqual(namesOf(await ask('prompts/list'), 'prompts'), ['files__review']);
});

test('abuse A8: a tool, prompt or resource that the view does not show cannot be reached by its name', async () => {
  const outside = createOutside();
  twoServers(outside);
  const { ask } = openCore(outside, { tools: ['files__read'], servers: ['files'] });
  for (const name of ['files__write', 'mail__send', 'read', '__proto__', 'constructor']) {
    const [code, message] = errorOf(await ask('tools/call', { name, arguments: {} }));
    assert.equal(code, -32_602);
    assert.equal(message, `Invalid params: unknown tool: ${name}`);
    assert.equal(errorOf(await ask('prompts/get', { name: 'mail__review' }))[0], -32_602);
    assert.equal(errorOf(await ask('resources/read', { uri: 'mail+file:///a' }))[0], -32_602);
  }
  assert.deepEqual(outside.arrivals, []);
});

test('abuse A6: the arguments that are forwarded are the very object that was read', async () => {
  const outside = createOutside();
  twoServers(outside);
  const values = { path: 'a', nested: { list: [1, 2] } };
  await openCore(outside).ask('tools/call', { name: 'files__read', arguments: values });
  const [arrival] = outside.arrivals;
  assert.equal(arrival?.exchange.params['arguments'], values);
  assert.equal(arrival?.exchange.params['name'], 'read');
  assert.equal(arrival?.tool?.name, 'files__read');
});

test('params of the wrong shape are refused with the name of the field, and nothing is sent', async () => {
  const outside = createOutside();
  twoServers(outside);
  const { ask } = openCore(outside);
  const wrong: readonly (readonly [string, unknown, RegExp])[] = [
    ['tools/call', [], /params must be an object/],
    ['tools/call', {}, /params\.name/],
    ['tools/call', { name: 7 }, /params\.name/],
    ['tools/call', { name: 'files__read', arguments: [] }, /params\.arguments/],
    ['tools/call', { name: 'files__read', inputResponses: null }, /params\.inputResponses/],
    ['tools/call', { name: 'files__read', inputResponses: { a: 1 } }, /params\.inputResponses/],
    ['tools/call', { name: 'files__read', requestState: 7 }, /params\.requestState/],
    ['tools/list', { cursor: 7 }, /params\.cursor/],
    ['tools/list', { cursor: 'made up' }, /params\.cursor/],
    ['prompts/get', { name: 'files__review', arguments: { a: 1 } }, /params\.arguments/],
    ['resources/read', {}, /params\.uri/],
    ['completion/complete', { ref: {}, argument: {} }, /params\.argument\.name/],
    ['completion/complete', { ref: {}, argument: { name: 'a', value: 'b' } }, /params\.ref/],
    [
      'completion/complete',
      { ref: {}, argument: { name: 'a', value: 'b' }, context: 'x' },
      /params\.context/,
    ],
  ];
  for (const [method, params, message] of wrong) {
    const [code, text] = errorOf(await ask(method, params));
    assert.equal(code, -32_602);
    assert.match(text, message);
  }
  assert.deepEqual(outside.arrivals, []);
});

test('methods of the other era do not exist', async () => {
  const outside = createOutside();
  const { ask, core } = openCore(outside);
  for (const method of ['ping', 'initialize', 'logging/setLevel', 'tasks/list', 'toString']) {
    assert.equal(errorOf(await ask(method))[0], -32_601);
    assert.equal(core.isMethod(method, 'modern'), false);
  }
  for (const method of ['server/discover', 'tasks/get']) {
    assert.equal(errorOf(await ask(method, {}, { era: 'legacy' }))[0], -32_601);
  }
  assert.deepEqual(resultOf(await ask('ping', {}, { era: 'legacy' })), {});
});

test('discovery says the same whatever servers there are, and what they say about themselves', async () => {
  const outside = createOutside();
  const { ask } = openCore(outside);
  const before = resultOf(await ask('server/discover'));
  twoServers(outside);
  const after = resultOf(await ask('server/discover'));
  assert.deepEqual(after['capabilities'], before['capabilities']);
  assert.equal(before['instructions'], undefined);
  assert.equal(after['instructions'], '## files\nFiles are here.');
});

test('a fault of a call is a result that says what is wrong, and nothing of the cause', async () => {
  const codes: readonly ErrorCode[] = [
    ...(['policy_violation', 'overloaded', 'mcp_timeout', 'tool_arguments_invalid'] as const),
    ...(['mcp_connection_failed', 'permission_denied', 'budget_exceeded'] as const),
  ];
  for (const code of codes) {
    const outside = createOutside(() => {
      throw new HostError(code, 'it was refused', {
        cause: new Error('secret'),
        facts: { rules: 'no-writes' },
        violations: [{ field: 'path', description: 'must be a text' }],
        retryAfterMs: 50,
      });
    });
    twoServers(outside);
    const outcome = await openCore(outside).ask('tools/call', { name: 'files__read' });
    const { isError, _meta: meta } = resultOf(outcome);
    assert.equal(isError, true);
    assert.equal(textOf(outcome), 'it was refused\n- path must be a text');
    const failure = { code, facts: { rules: 'no-writes' }, retryAfterMs: 50 };
    assert.deepEqual(meta, { 'modelhost/error': failure });
    assert.doesNotMatch(JSON.stringify(outcome), /secret/);
  }
});

test('a fault of the host, or of what is no tool, is an error of the protocol', async () => {
  const faults: readonly (readonly [unknown, number])[] = [
    [new Error('secret'), -32_603],
    [new HostError('internal', 'internal fault'), -32_603],
    [new HostError('mcp_tool_not_found', 'no such tool'), -32_602],
  ];
  for (const [fault, code] of faults) {
    const outside = createOutside(() => Promise.reject(fault));
    twoServers(outside);
    const outcome = await openCore(outside).ask('tools/call', { name: 'files__read' });
    assert.equal(errorOf(outcome)[0], code);
    assert.doesNotMatch(JSON.stringify(outcome), /secret/);
  }
  const outside = createOutside(() => Promise.reject(new HostError('mcp_timeout', 'late')));
  twoServers(outside);
  const read = await openCore(outside).ask('resources/read', { uri: 'files+file:///a' });
  assert.deepEqual(errorOf(read), [-32_603, 'late']);
});

test("a server's own error is passed on in the view's names, unless it is about its own hop", async () => {
  const error = { code: -32_002, message: 'gone', data: { uri: 'file:///a' } };
  const outside = createOutside(() => ({ kind: 'error', error }));
  twoServers(outside);
  const { ask } = openCore(outside);
  assert.deepEqual(await ask('resources/read', { uri: 'files+file:///a' }), {
    kind: 'error',
    error: { code: -32_602, message: 'gone', data: { uri: 'files+file:///a' } },
  });
  const legacy = await ask('resources/read', { uri: 'files+file:///a' }, { era: 'legacy' });
  assert.equal(errorOf(legacy)[0], -32_002);
  const hop = createOutside(() => ({ kind: 'error', error: { code: -32_020, message: 'header' } }));
  twoServers(hop);
  const [code] = errorOf(await openCore(hop).ask('tools/call', { name: 'files__read' }));
  assert.equal(code, -32_603);
});

test('a server cannot make its result look like one of ours', async () => {
  const outside = createOutside(() => ({
    kind: 'complete',
    result: { resultType: 'task', taskId: 'made-up', content: [] },
  }));
  twoServers(outside);
  const outcome = await openCore(outside).ask('tools/call', { name: 'files__read' });
  assert.deepEqual(resultOf(outcome), { taskId: 'made-up', content: [] });
});

test('a resource may be kept by the one who asked, and by nobody else', async () => {
  const outside = createOutside(() => ({
    kind: 'complete',
    result: { contents: [{ uri: 'file:///a', text: 'x' }], ttlMs: 70, cacheScope: 'public' },
  }));
  twoServers(outside);
  const outcome = await openCore(outside).ask('resources/read', { uri: 'files+file:///a' });
  assert.deepEqual(resultOf(outcome), {
    contents: [{ uri: 'files+file:///a', text: 'x' }],
    ttlMs: 70,
    cacheScope: 'private',
  });
});

test('completions are asked of the server that has the prompt, and of none that knows no completions', async () => {
  const outside = createOutside(() => ({
    kind: 'complete',
    result: { completion: { values: ['a'] } },
  }));
  twoServers(outside);
  const { ask } = openCore(outside);
  const argument = { name: 'path', value: '' };
  const files = { type: 'ref/prompt', name: 'files__review' };
  const mail = { type: 'ref/prompt', name: 'mail__review' };
  const done = await ask('completion/complete', { ref: files, argument });
  assert.deepEqual(resultOf(done), { completion: { values: ['a'] } });
  assert.deepEqual(resultOf(await ask('completion/complete', { ref: mail, argument })), {
    completion: { values: [] },
  });
  const template = { type: 'ref/resource', uri: 'files+file:///{path}' };
  await ask('completion/complete', { ref: template, argument });
  assert.deepEqual(
    outside.arrivals.map(({ alias, exchange }) => [alias, exchange.params['ref']]),
    [
      ['files', { type: 'ref/prompt', name: 'review' }],
      ['files', { type: 'ref/resource', uri: 'file:///{path}' }],
    ],
  );
});

test('a state that is too large ends the call, and its server hears that nobody answers', async () => {
  const outside = createOutside(() => ({
    kind: 'input-required',
    inputRequests: {},
    requestState: 'x'.repeat(1_000),
  }));
  twoServers(outside);
  const { ask } = openCore(outside, {}, { stateBytesMax: 1_000 });
  const outcome = await ask('tools/call', { name: 'files__read' });
  assert.equal(resultOf(outcome)['isError'], true);
  assert.match(textOf(outcome), /state of the request is too large/);
  assert.deepEqual(outside.abandoned, [`acme ann files ${'x'.repeat(1_000)}`]);
});

test('a call goes on with answers and the very state that the server gave', async () => {
  const requestedSchema = { type: 'object', properties: { name: { type: 'string' } } } as const;
  const question = { message: 'who?', requestedSchema };
  const request = { method: 'elicitation/create', params: question } as const;
  const outside = createOutside(({ exchange }) =>
    exchange.params['inputResponses'] === undefined
      ? { kind: 'input-required', inputRequests: { who: request }, requestState: 'state of files' }
      : textResult('done'),
  );
  twoServers(outside);
  const { ask } = openCore(outside);
  const capabilities = { elicitation: {} };
  const params = { name: 'files__read', arguments: { path: 'a' } };
  const asked = await ask('tools/call', params, { capabilities });
  assert.equal(asked.kind, 'input-required');
  assert.deepEqual(asked.inputRequests, { who: request });
  const { requestState } = asked;
  assert.doesNotMatch(String(requestState), /files/);
  const inputResponses = { who: { action: 'accept', content: { name: 'Ann' } } };
  const again = { ...params, inputResponses, requestState };
  assert.equal(textOf(await ask('tools/call', again, { capabilities })), 'done');
  assert.deepEqual(outside.arrivals[1]?.exchange.params, {
    name: 'read',
    arguments: { path: 'a' },
    inputResponses,
    requestState: 'state of files',
  });
});

test('abuse A8: a state of somebody else is refused like one that was made up, and nothing is sent', async () => {
  const request = { method: 'roots/list', params: {} } as const;
  const outside = createOutside(() => ({
    kind: 'input-required',
    inputRequests: { roots: request },
    requestState: 'state of files',
  }));
  twoServers(outside);
  const { ask, clock } = openCore(outside);
  const capabilities = { roots: {} };
  const params = { name: 'files__read', arguments: {} };
  const asked = await ask('tools/call', params, { capabilities });
  assert.equal(asked.kind, 'input-required');
  const { requestState } = asked;
  const eve: Principal = { tenant: 'evil', subject: 'ann', roles: [] };
  const refused = [
    await ask('tools/call', { ...params, requestState }, { capabilities, principal: eve }),
    await ask('tools/call', { ...params, requestState: 'made up' }, { capabilities }),
    await ask('tools/call', { ...params, requestState: `${requestState}x` }, { capabilities }),
    await ask('tools/call', { name: 'files__write', requestState }, { capabilities }),
  ];
  clock.advance(600_000);
  refused.push(await ask('tools/call', { ...params, requestState }, { capabilities }));
  for (const outcome of refused) assert.deepEqual(outcome, refused[0]);
  assert.equal(errorOf(refused[0] ?? asked)[0], -32_602);
  assert.equal(outside.arrivals.length, 1);
});

test('a call is given up by the one whose state it is, and by nobody else', async () => {
  const outside = createOutside(() => ({
    kind: 'input-required',
    inputRequests: {},
    requestState: 'mine',
  }));
  twoServers(outside);
  const { core, ask } = openCore(outside);
  const asked = await ask('tools/call', { name: 'files__read' });
  assert.ok(asked.kind === 'input-required' && asked.requestState !== undefined);
  const ann = { tenant: 'acme', subject: 'ann', roles: [] };
  const abandon = (principal: Principal, state: string): void =>
    core.abandon({ principal, capabilities: {}, era: 'modern' }, state);
  abandon({ ...ann, subject: 'bob' }, asked.requestState);
  abandon({ ...ann, tenant: 'evil' }, asked.requestState);
  abandon(ann, 'mine');
  assert.deepEqual(outside.abandoned, []);
  abandon(ann, asked.requestState);
  assert.deepEqual(outside.abandoned, ['acme ann files mine']);
});

test('abuse A9: two hundred tenants that ask the same at once each get their own, and see only their own', async () => {
  const outside = createOutside(async ({ context }) => {
    await Promise.resolve();
    return textResult(`canary of ${context.principal.tenant}`);
  });
  const { ask } = openCore(outside);
  const tenants = Array.from({ length: 200 }, (_, index) => `tenant-${index}`);
  for (const tenant of tenants) {
    outside.offer({ up: { tools: [listedTool('same'), listedTool(`of-${tenant}`)] } }, tenant);
  }
  const answers = await Promise.all(
    tenants.map(async (tenant) => {
      const principal = { tenant, subject: 'one', roles: [] };
      const list = await ask('tools/list', {}, { principal });
      const call = await ask('tools/call', { name: 'up__same' }, { principal });
      const other = await ask('tools/call', { name: 'up__of-tenant-0' }, { principal });
      return [namesOf(list, 'tools')[1], textOf(call), other.kind];
    }),
  );
  assert.deepEqual(
    answers,
    tenants.map((tenant, index) => [
      `up__of-${tenant}`,
      `canary of ${tenant}`,
      index === 0 ? 'result' : 'error',
    ]),
  );
});

test('a view with names that are none, or twice the same, is refused', () => {
  for (const map of [{ a: 'not a name' }, { a: 'x', b: 'x' }, { a: '' }]) {
    assert.throws(
      () => openCore(createOutside(), { naming: { map } }),
      (thrown) => thrown instanceof HostError && thrown.code === 'config_invalid',
    );
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError, noHistory, noStatistics, plainLabels } from '@modelhost/kernel';
import { readBundleContent } from './bundle-content.ts';
import type { BundleTest } from './read-tests.ts';

const pay = {
  name: 'bank__pay',
  effect: 'irreversible',
  inputSchema: { type: 'object', properties: { amount: { type: 'integer' } } },
  summedArguments: ['amount'],
  references: { amount: { field: 'due' }, to: { field: 'iban', namedBy: 'name' } },
};

function read(text: string, file = 'tests/a.yaml'): readonly BundleTest[] {
  const tools = { name: 'tools.json', text: JSON.stringify([pay]) };
  return readBundleContent([tools, { name: file, text }]).tests;
}

/** The lines of the refusal. */
function refusalOf(text: string): readonly string[] {
  try {
    read(text);
  } catch (thrown) {
    assert.ok(thrown instanceof HostError && thrown.code === 'config_invalid', String(thrown));
    return thrown.message.split('\n');
  }
  return assert.fail('nothing was refused');
}

test('what a test leaves out has a default', () => {
  const [one] = read(
    '- name: paying\n  given: { tool: bank__pay, arguments: { amount: 5 } }\n  expect: { effect: deny }\n',
  );
  assert.ok(one?.request.resource.type === 'tool');
  const { tool } = one.request.resource;
  assert.deepEqual(one.request, {
    principal: { tenant: 'acme', subject: 'ann', roles: [] },
    agent: 'agent',
    isDelegated: true,
    action: 'CallTool',
    resource: { type: 'tool', tool, arguments: { amount: 5 } },
    context: {
      runId: 'run-1',
      nowMs: Date.parse('2026-01-01T12:00:00Z'),
      callDigest: one.request.context.callDigest,
      spent: noStatistics,
      approval: undefined,
      labels: plainLabels,
      evidence: undefined,
      history: { ...noHistory, sums: { amount: { run: 5, day: 5 } } },
    },
  });
  assert.match(one.request.context.callDigest, /^[0-9a-f]{64}$/);
  assert.deepEqual(tool.references, pay.references);
  const { server, serverTool, integrity, executor, summedArguments } = tool;
  assert.deepEqual(
    { server, serverTool, integrity, executor, summedArguments },
    {
      server: 'bank',
      serverTool: 'pay',
      integrity: 'untrusted',
      executor: 'host',
      summedArguments: ['amount'],
    },
  );
  assert.deepEqual([one.file, one.line, one.name], ['tests/a.yaml', 1, 'paying']);
});

test('everything that a decision depends on can be given', () => {
  const [one] = read(`
- name: all
  given:
    principal: { tenant: beta, subject: bob, roles: [clerk] }
    agent: desk
    delegated: false
    tool: { name: mail__send, effect: none, decisionArguments: [to], egress: true, clearance: public }
    arguments: { to: [a, b] }
    labels: { integrity: untrusted, sources: [web, mail], confidentiality: secret, compartments: [pii] }
    evidence: { "to[0]": prompt, "to[1]": { origin: untrusted, sources: [turn-1/tool-1] } }
    history: { toolsUsed: [z, a], callsOfTool: 1, callsInFlight: 2, callsLastHour: 3, callsLastDay: 4, approvals: 5, sums: { n: { run: 6, day: 7 } } }
    spent: { toolCalls: 8 }
    approval: { votes: [{ subject: cleo, roles: [lead] }, {}], call: other, expires: 2026-01-01T13:00:00Z }
    runId: run-9
    now: 2026-01-01T00:00:00Z
  expect: { effect: hold, reasons: [b, a], remedies: [approval], gates: [{ quorum: 2 }], obligations: { notify: [x] } }
`);
  assert.ok(one?.request.resource.type === 'tool');
  const { principal, agent, isDelegated, context, resource } = one.request;
  assert.deepEqual(principal, { tenant: 'beta', subject: 'bob', roles: ['clerk'] });
  assert.deepEqual([agent, isDelegated, context.runId], ['desk', false, 'run-9']);
  const { egress, clearance, effect } = resource.tool;
  assert.deepEqual([egress, clearance, effect], [true, 'public', 'none']);
  assert.deepEqual(context.labels.sources, ['mail', 'web']);
  assert.deepEqual(context.evidence?.values, [
    { path: 'to[0]', origin: 'prompt', sources: [] },
    { path: 'to[1]', origin: 'untrusted', sources: ['turn-1/tool-1'] },
  ]);
  assert.deepEqual(context.history.toolsUsed, ['a', 'z']);
  assert.deepEqual(context.history.sums, { n: { run: 6, day: 7 } });
  assert.equal(context.spent.toolCalls, 8);
  assert.deepEqual(context.approval?.votes, [
    { subject: 'cleo', roles: ['lead'] },
    { subject: 'bob', roles: [] },
  ]);
  assert.notEqual(context.approval.callDigest, context.callDigest);
  assert.equal(context.approval.expiresAtMs, Date.parse('2026-01-01T13:00:00Z'));
  assert.deepEqual(one.expect, {
    effect: 'hold',
    reasons: ['a', 'b'],
    remedies: ['approval'],
    gates: [{ quorum: 2 }],
    obligations: { redact: {}, limits: {}, labels: {}, notify: ['x'] },
  });
});

test('each action asks about its own kind of thing', () => {
  const given = [
    [
      '{ action: AcceptInput, agent: desk, bytes: 7 }',
      { type: 'agent', id: 'desk', inputBytes: 7 },
    ],
    [
      '{ model: small }',
      {
        type: 'model',
        id: 'small',
        provider: 'provider',
        inputTokens: 100,
        maxOutputTokens: 1_000,
      },
    ],
    [
      '{ model: { id: big, provider: p, inputTokens: 1, maxOutputTokens: 2 } }',
      { type: 'model', id: 'big', provider: 'p', inputTokens: 1, maxOutputTokens: 2 },
    ],
    ['{ action: EmitOutput }', { type: 'output' }],
    [
      '{ action: WriteMemory, memory: { namespace: n }, bytes: 3 }',
      { type: 'memory', namespace: 'n', owner: 'ann', bytes: 3 },
    ],
  ] as const;
  const tests = read(
    given
      .map(([text], at) => `- { name: t${at}, given: ${text}, expect: { effect: deny } }`)
      .join('\n'),
  );
  assert.deepEqual(
    tests.map(({ request }) => request.resource),
    given.map(([, resource]) => resource),
  );
  const [listed, result] = read(
    ['ListTool', 'AcceptToolResult']
      .map(
        (action) =>
          `- { name: ${action}, given: { action: ${action}, tool: bank__pay, bytes: 9 }, expect: { effect: deny } }`,
      )
      .join('\n'),
  );
  assert.equal(listed?.request.resource.type, 'tool');
  assert.ok(result?.request.resource.type === 'tool-result');
  assert.equal(result.request.resource.bytes, 9);
});

test('JSON is read as well', () => {
  const text = JSON.stringify([{ name: 'x', given: { model: 'm' }, expect: { effect: 'allow' } }]);
  assert.equal(read(text, 'tests/a.json').length, 1);
});

const head = '- name: x\n  given: { tool: bank__pay }\n';
for (const [title, text, lines] of [
  [
    'a map in the place of the list',
    'tests: []\n',
    ['tests/a.yaml:1:1: must be a list of tests, each with name, given and expect'],
  ],
  [
    'what is no YAML',
    '- a: [\n',
    [
      'tests/a.yaml: 2:1: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  ],
  [
    'a test without anything',
    '- {}\n',
    [
      'tests/a.yaml:1:3: test "": needs a name',
      'tests/a.yaml:1:3: test "": given: asks for nothing; give a tool, a model or an action',
      'tests/a.yaml:1:3: test "": expect: needs an effect: allow, hold or deny',
    ],
  ],
  [
    'a mistyped key',
    `${head}  expect: { efect: deny, effect: deny }\n`,
    [
      'tests/a.yaml:3:20: test "x": expect.efect: unknown key; there is effect, reasons, remedies, gates, obligations',
    ],
  ],
  [
    'an unknown tool',
    '- name: x\n  given: { tool: bank__rob }\n  expect: { effect: deny }\n',
    [
      'tests/a.yaml:2:18: test "x": given.tool: there is no tool bank__rob in tools.json; add it there, or write name, effect and inputSchema here',
    ],
  ],
  [
    'values of the wrong kind',
    '- name: x\n  given: { tool: bank__pay, principal: { roles: lead }, now: today, labels: { confidentiality: hidden } }\n  expect: { effect: maybe, gates: [1] }\n',
    [
      'tests/a.yaml:2:49: test "x": given.principal.roles: must be a list of texts',
      'tests/a.yaml:2:62: test "x": given.now: must be a moment such as 2026-03-01T12:00:00Z',
      'tests/a.yaml:2:96: test "x": given.labels.confidentiality: must be one of public, internal, confidential, secret',
      'tests/a.yaml:3:21: test "x": expect.effect: must be one of allow, hold, deny',
      'tests/a.yaml:3:36: test "x": expect.gates[0]: must be a map',
    ],
  ],
  [
    'two tests of one name',
    `${head}  expect: { effect: deny }\n${head}  expect: { effect: deny }\n`,
    ['tests/a.yaml:4: test "x": there is another one of this name; rename it'],
  ],
] as const) {
  test(`tests are refused for ${title}`, () => {
    assert.deepEqual(refusalOf(text), lines);
  });
}

test('what is hostile is refused and not worked off', () => {
  for (const text of [
    '['.repeat(100_000),
    `- ${'x'.repeat(1_048_577)}`,
    'a: &a [x]\n',
    '- !run x\n',
    '- 7\n',
  ]) {
    assert.ok(refusalOf(text).length > 0);
  }
  const laughs = Array.from(
    { length: 10 },
    (_none, at) => `- &l${at + 1} [${`*l${at}, `.repeat(9)}]`,
  );
  assert.ok(refusalOf(`- &l0 [x]\n${laughs.join('\n')}\n`).length > 0);
});

for (const [title, text, told] of [
  ['what is no JSON', '[', 'tools.json: is not JSON'],
  ['what is no list', '{}', 'tools.json: must be a list of at most 10000 tool definitions'],
  ['a tool without a name', '[{}]', 'tools.json: [0]: the tool has no name'],
  [
    'a tool with a mistyped key',
    '[{"name":"a","efect":"none"}]',
    'tools.json: [0].efect: unknown key',
  ],
  [
    'a tool of no known effect',
    '[{"name":"a","effect":"some"}]',
    'tools.json: [0].effect: must be one of',
  ],
] as const) {
  test(`tools are refused for ${title}`, () => {
    assert.throws(
      () => readBundleContent([{ name: 'tools.json', text }]),
      (thrown) => thrown instanceof HostError && thrown.message.startsWith(told),
    );
  });
}

test('a bundle has rules, tools and tests, and the rest of it is left unread', () => {
  const files = [
    { name: 'authorize/a.cedar', text: 'x' },
    { name: 'oblige.cedar', text: 'y' },
    { name: 'changelog.md', text: 'z' },
    { name: 'tests/deep/a.yml', text: '' },
    { name: 'other/tests/a.yaml', text: '[' },
  ];
  const { rules, tools, tests } = readBundleContent(files);
  assert.deepEqual(
    [rules.map(({ name }) => name), tools, tests],
    [['authorize/a.cedar', 'oblige.cedar'], [], []],
  );
});

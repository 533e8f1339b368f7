import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import type { JsonObject, Principal, ToolDefinition } from '@modelhost/kernel';
import { createPolicyEngine, readRuleSet, singleSource } from '@modelhost/policy-engine';
import { createAuthzenServices } from './services.ts';

const rules = `
@id("reads") permit(principal, action in ModelHost::Action::"CallTool", resource) when { resource.effect == "none" };
@id("pays") permit(principal in ModelHost::Role::"acme/clerk", action == ModelHost::Action::"bank__pay", resource);
@id("big") @message("large payments need a yes") @remedy("approval") @approvers("boss") @quorum("2")
forbid(principal, action == ModelHost::Action::"bank__pay", resource)
when { context.arguments.amount > 100 } unless { context has approval };
@id("agents") permit(principal is ModelHost::Agent, action, resource);`;
const duties = `
@id("slow") @oblige("limit") @timeout_ms_max("500")
permit(principal, action == ModelHost::Action::"bank__pay", resource);`;

const tool = (name: string, effect: ToolDefinition['effect']): ToolDefinition => ({
  name,
  description: '',
  inputSchema: {
    type: 'object',
    properties: { amount: { type: 'integer' } },
    required: ['amount'],
  },
  effect,
  integrity: 'untrusted',
  decisionArguments: [],
  server: 'bank',
  serverTool: name.slice(6),
  executor: 'host',
});
const tools = [tool('bank__pay', 'irreversible'), tool('bank__look', 'none')];
const asked: string[] = [];
const askedRuns: string[] = [];
const engine = createPolicyEngine({
  source: singleSource(
    readRuleSet({
      name: 'test',
      scope: 'platform',
      revision: 0,
      digest: 'd',
      tools,
      files: [
        { name: 'authorize.cedar', text: rules },
        { name: 'oblige.cedar', text: duties },
      ],
    }),
  ),
});
const services = createAuthzenServices({
  policy: {
    decide: async (request) => {
      asked.push(
        `${request.principal.tenant}/${request.principal.subject} ${request.context.nowMs}`,
      );
      askedRuns.push(request.context.runId);
      return engine.decide(request);
    },
  },
  tools: { listTools: (tenant) => (tenant === 'acme' ? tools : []) },
  clock: { now: () => 42 },
});

const ann: Principal = { tenant: 'acme', subject: 'ann', roles: ['clerk'] };
const gate: Principal = { tenant: 'acme', subject: 'gate', roles: ['enforcement-point'] };

function ask(path: string, body: JsonObject, principal: Principal = ann): Promise<JsonObject> {
  const service = services.find((known) => known.path === `/access/v1/${path}`);
  assert.ok(service !== undefined);
  return service.answer(body, { principal, baseUrl: 'https://mh.example' });
}

const pay = (amount: number, more: JsonObject = {}): JsonObject => ({
  subject: { type: 'user', id: 'ann' },
  action: { name: 'CallTool' },
  resource: { type: 'tool', id: 'bank__pay', properties: { arguments: { amount } } },
  ...more,
});

test('who asks about itself is answered by its own rights, with reasons and obligations', async () => {
  const { decision, context } = await ask('evaluation', pay(5));
  assert.equal(decision, true);
  assert.deepEqual(context, {
    effect: 'allow',
    reasons: [{ id: 'pays', message: 'permit by rule pays' }],
    obligations: [{ type: 'limit', timeoutMsMax: 500 }],
    policy_digest: engine.digest(),
  });
  assert.equal(asked.at(-1), 'acme/ann 42');
});

test('a hold is a no that names what would lift it, and an approval lifts it', async () => {
  const { decision, context } = await ask('evaluation', pay(500));
  assert.equal(decision, false);
  assert.deepEqual((context as JsonObject)['gates'], [
    { approvers: ['boss'], quorum: 2, self_approval_allowed: false },
  ]);
  const votes = ['bob', 'eve'].map((subject) => ({ subject, roles: ['boss'] }));
  const subject = { type: 'user', id: 'ann', properties: { roles: ['clerk'] } };
  const approved = pay(500, { subject, context: { approval: { votes } } });
  assert.equal((await ask('evaluation', approved, gate))['decision'], true);
});

test('an obligation that the caller does not keep makes it a no', async () => {
  const context = { supported_obligations: ['redact'] };
  const answer = await ask('evaluation', pay(5, { context }));
  assert.equal(answer['decision'], false);
  assert.deepEqual((answer['context'] as JsonObject)['effect'], 'deny');
  const kept = { supported_obligations: ['limit'] };
  assert.equal((await ask('evaluation', pay(5, { context: kept })))['decision'], true);
});

test('only an enforcement point may ask about others, and never about another tenant', async () => {
  const about = (subject: JsonObject): JsonObject => ({ ...pay(5), subject });
  const others = [
    { type: 'user', id: 'bob' },
    { type: 'user', id: 'ann', properties: { roles: ['admin'] } },
    { type: 'agent', id: 'helper', properties: { onBehalfOf: { id: 'bob' } } },
  ];
  for (const subject of others) {
    await assert.rejects(ask('evaluation', about(subject)), { code: 'permission_denied' });
  }
  const clerk = { id: 'bob', roles: ['clerk'] };
  const agent = { type: 'agent', id: 'helper', properties: { onBehalfOf: clerk } };
  assert.equal((await ask('evaluation', about(agent), gate))['decision'], true);
  assert.equal(asked.at(-1), 'acme/bob 42');
  const bare = { type: 'user', id: 'bob' };
  assert.equal((await ask('evaluation', about(bare), gate))['decision'], false);
  const foreign = { tenant: 'rival', subject: 'spy', roles: ['admin'] };
  await assert.rejects(ask('evaluation', pay(5), foreign), /resource\.id: names no tool/);
});

test('facts of a run are believed of enforcement points alone, and no question is part of a run', async () => {
  const facts: JsonObject = {
    approval: { votes: [{ subject: 'boss', roles: ['boss'] }] },
    evidence: { amount: 'prompt' },
    history: { callsOfTool: 0 },
    labels: { integrity: 'trusted' },
    spent: {},
  };
  for (const [name, fact] of Object.entries(facts)) {
    const claimed = pay(5, { context: { [name]: fact } });
    await assert.rejects(ask('evaluation', claimed), {
      code: 'permission_denied',
      message: new RegExp(`^context\\.${name} needs one of the roles `),
    });
    const subject = { type: 'user', id: 'ann', properties: { roles: ['clerk'] } };
    assert.equal((await ask('evaluation', { ...claimed, subject }, gate))['decision'], true);
  }
  const inRun = pay(5, { context: { runId: 'run_1' } });
  await assert.rejects(ask('evaluation', inRun, gate), /context\.runId: is known to the host/);
  assert.deepEqual([...new Set(askedRuns)], ['authzen']);
});

test('bad input names the field in AuthZEN terms', async () => {
  const rows: readonly (readonly [JsonObject, RegExp])[] = [
    [{}, /subject: is required/],
    [{ ...pay(5), subject: { type: 'user' } }, /subject\.id: is required/],
    [{ ...pay(5), subject: { type: 'robot', id: 'x' } }, /subject\.type: must be/],
    [{ ...pay(5), action: {} }, /action\.name: is required/],
    [{ ...pay(5), action: { name: 'Fly' } }, /action\.name: must be one of/],
    [{ ...pay(5), resource: { type: 'tool', id: 'none' } }, /resource\.id: names no tool/],
    [{ ...pay(5), resource: { type: 'car', id: 'x' } }, /resource\.type: must be/],
    [pay(5, { context: { labels: { integrity: 'good' } } }), /context\.labels\.integrity: must be/],
    [pay(5, { context: { now: '2026-01-01T00:00:00Z' } }), /context\.now: is known to the host/],
    [pay(5, { context: { colour: 'red' } }), /context\.colour: unknown key/],
    [
      pay(5, { context: { arguments: {} } }),
      /context\.arguments: .*resource\.properties\.arguments/,
    ],
    [pay(5, { context: { arguments: {} } }), /context\.arguments: .*resource\.properties/],
    [pay(5, { context: { supported_obligations: [1] } }), /supported_obligations: must be/],
  ];
  for (const [body, message] of rows) {
    await assert.rejects(
      ask('evaluation', body, gate),
      (thrown) =>
        thrown instanceof HostError &&
        thrown.code === 'validation_failed' &&
        message.test(thrown.message),
      String(message),
    );
  }
});

test('many are answered in one call, with defaults, and an unreadable one is a no by itself', async () => {
  const { subject, action } = pay(5);
  const body = {
    subject: subject ?? null,
    action: action ?? null,
    evaluations: [
      { resource: { type: 'tool', id: 'bank__look', properties: { arguments: { amount: 1 } } } },
      { resource: { type: 'tool', id: 'none' } },
      pay(500),
    ],
  };
  const decisions = async (more: JsonObject): Promise<readonly unknown[]> => {
    const { evaluations } = await ask('evaluations', { ...body, ...more });
    return (evaluations as readonly JsonObject[]).map(({ decision }) => decision);
  };
  assert.deepEqual(await decisions({}), [true, false, false]);
  const until = (semantic: string): JsonObject => ({ options: { evaluations_semantic: semantic } });
  assert.deepEqual(await decisions(until('deny_on_first_deny')), [true, false]);
  assert.deepEqual(await decisions(until('permit_on_first_permit')), [true]);
  const before = asked.length;
  const same = await decisions({ evaluations: Array.from({ length: 100 }, () => pay(5)) });
  assert.deepEqual([same.length, asked.length - before], [100, 1]);
  const long = pay(5, { context: { supported_obligations: ['x'.repeat(20_000)] } });
  await assert.rejects(
    decisions({ ...long, evaluations: Array.from({ length: 100 }, () => ({})) }),
    /evaluations: have \d+ characters with the defaults of each, at most 1048576/,
  );
  await assert.rejects(decisions(until('guess')), /evaluations_semantic: must be one of/);
  await assert.rejects(ask('evaluations', { evaluations: {} }), /evaluations: must be a list/);
});

test('the metadata names both endpoints', async () => {
  const metadata = services.find(({ isAuthenticated }) => !isAuthenticated);
  assert.deepEqual(
    await metadata?.answer({}, { principal: undefined, baseUrl: 'https://mh.example' }),
    {
      policy_decision_point: 'https://mh.example',
      access_evaluation_endpoint: 'https://mh.example/access/v1/evaluation',
      access_evaluations_endpoint: 'https://mh.example/access/v1/evaluations',
    },
  );
});

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { DecisionEffect, HealthStatus, PolicyMode, RuleState } from '@modelhost/contracts';
import type { ModelHostClient } from '@modelhost/sdk';
import { createApiKey } from './auth.ts';
import { makeDirectory, startHostIn, startTestHost, task } from './fixtures/started-host.ts';
import { bundleOf, filesFor, mallory, writeTrustRoot } from './policy/fixtures/policy-world.ts';

const officer = createApiKey();
const reader = createApiKey();
const nobody = createApiKey();
const keeper = createApiKey();
const server = {
  auth: {
    apiKeys: [
      { id: officer.id, hash: officer.hash, tenant: 'acme', subject: 'olga', roles: ['security'] },
      { id: reader.id, hash: reader.hash, tenant: 'acme', subject: 'rita', roles: ['auditor'] },
      {
        id: keeper.id,
        hash: keeper.hash,
        tenant: 'acme',
        subject: 'kay',
        roles: ['auditor', 'platform-admin'],
      },
      { id: nobody.id, hash: nobody.hash, tenant: 'acme', subject: 'ned' },
    ],
  },
};

const rules = `
@id("content") permit (principal, action in ModelHost::Action::"Content", resource);
@id("model") permit (principal, action == ModelHost::Action::"UseModel", resource);
@id("night") @message("no models at night")
forbid (principal, action == ModelHost::Action::"UseModel", resource) when { context.agent == "owl" };
@id("agent") permit (principal is ModelHost::Agent, action, resource);`;

const started = await startTestHost({ server, policy: rules, mcp: { port: 0 } });
after(() => started[Symbol.asyncDispose]());
const [asOfficer, asReader, asNobody] = [officer, reader, nobody].map(({ key }) =>
  started.connect(key),
) as [ModelHostClient, ModelHostClient, ModelHostClient];

async function runTask(client: ModelHostClient): Promise<void> {
  for await (const event of client.run(task('answer'))) void event;
}

const modelQuestion = {
  about: {
    case: 'question',
    value: { action: 'UseModel', resource: 'model', agent: 'owl', delegated: true },
  },
} as const;

test('only those who are responsible see policy, and fewer change it', async () => {
  const bundle = new Uint8Array(1);
  const reads: readonly ((client: ModelHostClient) => Promise<unknown>)[] = [
    async (client) => client.getPolicyStatus(),
    async (client) => client.explainDecision(modelQuestion),
    async (client) => client.checkPolicy([{ name: 'a.cedar', text: '' }]),
    async (client) => client.replayDecisions(bundle, { sinceMs: 0 }),
    async (client) => client.listDecisions(),
  ];
  const changes: typeof reads = [
    async (client) => client.activateBundle(bundle),
    async (client) => client.eraseDecisions('ned'),
  ];
  for (const ask of [...reads, ...changes]) {
    await assert.rejects(ask(asNobody), { code: 'permission_denied' });
  }
  for (const ask of changes) await assert.rejects(ask(asReader), { code: 'permission_denied' });
  await asReader.getPolicyStatus();
});

test('the status of rules from a directory names their digest, and no bundle', async () => {
  const { policyDigest, bundles, problems, fromDirectory, status } =
    await asReader.getPolicyStatus();
  assert.match(policyDigest, /^[0-9a-f]{64}$/);
  assert.deepEqual([bundles, problems], [[], []]);
  assert.equal(fromDirectory, true);
  assert.equal(status, HealthStatus.UP);
});

test('a question is explained by the rules that decide, and by those that would with others', async () => {
  const { decision, rules: explained } = await asReader.explainDecision(modelQuestion);
  assert.equal(decision?.effect, DecisionEffect.DENY);
  const night = explained.find(({ rule }) => rule === 'night');
  assert.equal(night?.state, RuleState.APPLIES);
  assert.equal(night.kind, 'forbid');
  assert.ok(night.facts.includes('context.agent'), night.facts.join());
  const files = [{ name: 'all.cedar', text: '@id("all") permit (principal, action, resource);' }];
  const other = await asReader.explainDecision({ ...modelQuestion, files });
  assert.equal(other.decision?.effect, DecisionEffect.ALLOW);
});

test('bad questions and rules name their field', async () => {
  const ask = (value: object): Promise<unknown> =>
    asReader.explainDecision({ about: { case: 'question', value } });
  const action = 'UseModel';
  const rows: readonly (readonly [() => Promise<unknown>, RegExp])[] = [
    [() => asReader.explainDecision({}), /about: give a question or a decision_id/],
    [() => ask({ action: '' }), /question\.action/],
    [() => ask({ action: 'Fly' }), /question\.action: must be one of/],
    [() => ask({ action: 'CallTool', resource: 'none' }), /question\.resource: names no tool/],
    [() => ask({ action, argumentsJson: '{}' }), /question\.arguments_json: belongs to CallTool/],
    [() => ask({ action: 'EmitOutput', resource: 'x' }), /question\.resource: does not go with/],
    [() => ask({ action, contextJson: '[' }), /question\.context_json: must be/],
    [() => ask({ action, contextJson: '{"labels":{"integrity":"x"}}' }), /labels\.integrity/],
    [
      () =>
        asReader.explainDecision({
          ...modelQuestion,
          files: [{ name: 'a.cedar', text: 'permit' }],
        }),
      /files: a\.cedar:1:/,
    ],
    [
      () =>
        ask({
          action: 'CallTool',
          resource: 'none',
          argumentsJson: `{"a":"${'a'.repeat(65_536)}"}`,
        }),
      /question\.arguments_json.*65536/,
    ],
    [() => asReader.checkPolicy([]), /files: must have/],
    [() => asReader.listDecisions({ pageSize: 201 }), /page_size/],
    [() => asReader.replayDecisions(new Uint8Array(), { sinceMs: 0 }), /bundle: is required/],
  ];
  for (const [refused, message] of rows) {
    await assert.rejects(refused(), (thrown: Error) => {
      assert.match(thrown.message, message);
      return true;
    });
  }
});

test('the check of texts names every problem with its place and what to do', async () => {
  const text =
    '@id("a") permit (principal, action, resource);\npermit (principal, action, resource);';
  const problems = await asReader.checkPolicy([{ name: 'authorize/a.cedar', text }]);
  const [first] = problems;
  assert.deepEqual([first?.file, first?.line, first?.isError], ['authorize/a.cedar', 2, true]);
  assert.notEqual(first?.remedy, '');
});

test('rules of callers are read one caller after the other, and more than a few are turned away', async () => {
  const checks = await Promise.allSettled(
    Array.from({ length: 6 }, async () => asReader.checkPolicy([{ name: 'a.cedar', text: '' }])),
  );
  const turnedAway = checks.filter((check) => check.status === 'rejected');
  assert.equal(turnedAway.length, 2);
  for (const { reason } of turnedAway) {
    assert.match(String(reason), /4 checks of rules wait already/);
  }
});

test('what was decided is listed without values, explained by its id, and erased by its subject', async () => {
  await runTask(asNobody);
  const { decisions } = await asReader.listDecisions({ action: 'UseModel', pageSize: 5 });
  const [decided] = decisions.filter(({ subject }) => subject === 'ned');
  assert.ok(decided !== undefined);
  assert.equal(decided.decision?.resource, 'model');
  assert.equal(decided.agent, 'helper');
  const about = { case: 'decisionId', value: decided.decisionId } as const;
  const { decision } = await asReader.explainDecision({ about });
  assert.equal(decision?.effect, DecisionEffect.ALLOW);
  assert.ok((await asOfficer.eraseDecisions('ned')) > 0n);
  const left = await asReader.listDecisions();
  assert.ok(left.decisions.every(({ subject }) => subject !== 'ned'));
  await assert.rejects(asReader.explainDecision({ about }), { code: 'not_found' });
  const { decisionLog } = await asReader.getPolicyStatus();
  assert.equal(decisionLog?.entries, BigInt(left.decisions.length));
  const audit = readFileSync(started.host.auditPath, 'utf8');
  assert.ok(audit.includes('erase-decisions'));
});

test('the pages of the log follow each other, newest first', async () => {
  await runTask(asOfficer);
  const whole = await asReader.listDecisions();
  const first = await asReader.listDecisions({ pageSize: 1 });
  const { nextPageToken: pageToken } = first;
  const second = await asReader.listDecisions({ pageSize: 1, pageToken });
  assert.deepEqual(
    [...first.decisions, ...second.decisions].map(({ decisionId }) => decisionId),
    whole.decisions.slice(0, 2).map(({ decisionId }) => decisionId),
  );
});

test('others ask the decision point over AuthZEN on the port of MCP clients', async () => {
  const url = `http://${started.host.mcpAddress ?? ''}`;
  const ask = async (key: string, agent: string): Promise<Response> =>
    fetch(`${url}/access/v1/evaluation`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({
        subject: { type: 'agent', id: agent, properties: { onBehalfOf: { id: 'ned' } } },
        action: { name: 'UseModel' },
        resource: { type: 'model', id: 'model' },
      }),
    });
  const [allowed, denied] = [await ask(officer.key, 'helper'), await ask(officer.key, 'owl')];
  assert.partialDeepStrictEqual(await allowed.json(), { decision: true });
  assert.partialDeepStrictEqual(await denied.json(), {
    decision: false,
    context: { effect: 'deny', reasons: [{ id: 'night', message: 'no models at night' }] },
  });
  // Whoever asks about themselves needs no role; about their agent it is the same question.
  assert.equal((await ask(nobody.key, 'helper')).status, 200);
  assert.equal((await ask('mh_none_none', 'helper')).status, 401);
  const metadata = await fetch(`${url}/.well-known/authzen-configuration`);
  assert.partialDeepStrictEqual(await metadata.json(), { policy_decision_point: url });
});

test('a signed bundle is rehearsed, activated in the shadow and promoted, and a bad one changes nothing', async (t) => {
  const directory = makeDirectory(t);
  const policies = writeTrustRoot(directory);
  const first = bundleOf({ files: { ...filesFor(100_000), 'authorize/model.cedar': '' } });
  writeFileSync(join(directory, 'base.mhpb.json'), first);
  await using host = await startHostIn(directory, { server, policies });
  const client = host.connect(keeper.key);
  await runTask(client);
  const smaller = filesFor(1);
  const shadow = bundleOf({ revision: 2, mode: 'shadow', files: smaller });
  const report = await client.replayDecisions(shadow, { sinceMs: 0 });
  assert.deepEqual(
    report.changes.map(({ kind, action, decisions }) => [kind, action, decisions]),
    [['allow-to-deny', 'AcceptInput', 1n]],
  );
  // Whose rules are everybody's needs more than to look after one tenant.
  await assert.rejects(host.connect(officer.key).activateBundle(shadow), {
    code: 'permission_denied',
  });
  const activated = await client.activateBundle(shadow);
  assert.equal(activated.bundle?.mode, PolicyMode.SHADOW);
  assert.ok(activated.testsPassed > 0);
  await runTask(client);
  const { bundles } = await client.getPolicyStatus();
  assert.deepEqual(
    bundles.map(({ mode, revision }) => [mode, revision]),
    [
      [PolicyMode.ENFORCE, 1n],
      [PolicyMode.SHADOW, 2n],
    ],
  );
  const forged = bundleOf({ revision: 3, files: smaller, signers: [mallory] });
  await assert.rejects(client.activateBundle(forged), (thrown: Error) => {
    assert.match(thrown.message, /refused at the step verify/);
    return true;
  });
  await client.activateBundle(bundleOf({ revision: 3, files: smaller }));
  await assert.rejects(runTask(client), { code: 'policy_violation' });
  const { decisions } = await client.listDecisions({
    effect: DecisionEffect.DENY,
    since: timestampFromMs(0),
  });
  assert.equal(decisions[0]?.decision?.action, 'AcceptInput');
});

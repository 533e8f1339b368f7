import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Principal } from '@modelhost/kernel';
import {
  ada,
  ann,
  bob,
  bundleOf,
  createPolicyWorld,
  effectOf,
  filesFor,
  inputOf,
  trustRootOf,
} from './fixtures/policy-world.ts';

async function open(t: Parameters<typeof createPolicyWorld>[0]) {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf({ bytesMax: 100 }));
  return { world, control: await world.open({ watchMs: 0 }) };
}

test('a shadow decides nothing; what it would have decided otherwise is recorded beside the decision', async (t) => {
  const { control } = await open(t);
  const report = await control.activate(
    bundleOf({ revision: 2, mode: 'shadow', bytesMax: 10 }),
    ann,
  );
  assert.ok(report.type === 'activated' && report.slot === 'shadow');
  assert.deepEqual([await effectOf(control, 50), await effectOf(control, 5)], ['allow', 'allow']);
  await control.settle();
  const { decisions } = await control.log.page({ pageSize: 10 });
  assert.deepEqual(
    decisions.map(({ decision, shadow }) => [
      decision.effect,
      shadow?.bundle,
      shadow?.decision.effect,
    ]),
    [
      ['allow', undefined, undefined],
      ['allow', 'base@2', 'deny'],
    ],
  );
  const [active, shadow] = control.status().bundles;
  assert.deepEqual([active?.slot, active?.shadow], ['active', undefined]);
  assert.deepEqual(
    [shadow?.slot, shadow?.shadow],
    ['shadow', { decided: 2, differed: 1, dropped: 0 }],
  );

  // Promoted, it decides and leaves the slot.
  await control.activate(bundleOf({ revision: 3, bytesMax: 10 }), ann);
  assert.equal(await effectOf(control, 50), 'deny');
  assert.deepEqual(
    control.status().bundles.map(({ slot, revision }) => [slot, revision]),
    [['active', 3]],
  );
});

test('a shadow that cannot keep up is left out, and its decisions are counted and logged all the same', async (t) => {
  const { control } = await open(t);
  await control.activate(bundleOf({ revision: 2, mode: 'shadow', bytesMax: 10 }), ann);
  const asked = 300;
  await Promise.all(Array.from({ length: asked }, async () => effectOf(control, 50)));
  await control.settle();
  const { decided, dropped } = control.status().bundles[1]?.shadow ?? assert.fail();
  assert.equal(decided + dropped, asked);
  assert.ok(dropped > 0);
  assert.equal(control.status().decisions.entries, asked);
});

test('a canary decides for the tenants that it names, and for nobody else', async (t) => {
  const { control } = await open(t);
  const canary = { revision: 2, bytesMax: 10, canary: ['beta'] };
  const report = await control.activate(bundleOf(canary), ann);
  assert.ok(report.type === 'activated' && report.slot === 'canary');
  assert.deepEqual(
    [await effectOf(control, 50), await effectOf(control, 50, 'beta')],
    ['allow', 'deny'],
  );
  const { bundles } = await control.engine.decide(inputOf(5, 'beta'));
  assert.deepEqual(bundles, ['base@2']);
  // Who else is a canary is not for a tenant to know.
  assert.deepEqual(
    control.status('acme').bundles.map((bundle) => bundle.canary),
    [[], []],
  );
  await control.activate(bundleOf({ ...canary, revision: 3, canary: [] }), ann);
  assert.equal(await effectOf(control, 50), 'deny');
});

const ben: Principal = { tenant: 'beta', subject: 'ben', roles: [] };

test('what is erased does not come back with a shadow that has still to decide', async (t) => {
  const { control } = await open(t);
  await control.activate(bundleOf({ revision: 2, mode: 'shadow', bytesMax: 10 }), ann);
  const asked = Array.from({ length: 40 }, async () => control.engine.decide(inputOf(50)));
  assert.equal((await Promise.all(asked)).length, 40);
  assert.equal(await control.log.erase('acme', 'ann'), 40);
  await control.settle();
  assert.deepEqual((await control.log.page({ pageSize: 10 })).decisions, []);
});

test('a bundle is put in force by who is of its tenant, and one of the platform by who looks after all', async (t) => {
  const { control, world } = await open(t);
  const before = world.records().length;
  const own = bundleOf({ name: 'own', scope: { tenant: 'beta' }, bytesMax: 50 });
  const refused = [
    await control.activate(own, ann),
    await control.activate(bundleOf({ revision: 2 }), { ...ann, roles: ['admin', 'security'] }),
    // What is in force already is no way to learn about it.
    await control.activate(bundleOf(), ben),
  ];
  for (const report of refused) {
    assert.ok(report.type === 'refused');
    assert.deepEqual([report.step, report.code], ['admit', 'not-admitted']);
  }
  assert.equal(world.records().length, before);
  assert.equal((await control.activate(own, ben)).type, 'activated');
  assert.equal((await control.activate(bundleOf({ revision: 2 }), ann)).type, 'activated');
  const namesFor = (tenant: string): readonly string[] =>
    control.status(tenant).bundles.map(({ activatedBy }) => activatedBy);
  assert.deepEqual([namesFor('acme'), namesFor('beta')], [['ann'], ['another tenant', 'ben']]);
});

test('a bundle of a tenant decides with that of the platform, about that tenant alone', async (t) => {
  const { control } = await open(t);
  const scope = { tenant: 'beta' };
  const forbid =
    '@id("no.big") @message("beta is careful")\nforbid (principal, action == ModelHost::Action::"AcceptInput", resource)\nwhen { context.inputBytes > 10 };\n';
  const tests =
    '- name: big ones are not accepted\n  given: { action: AcceptInput, bytes: 11 }\n  expect: { effect: deny, reasons: [no.big] }\n';
  const report = await control.activate(
    bundleOf({
      name: 'careful',
      scope,
      files: { 'authorize.cedar': forbid, 'tests/big.yaml': tests },
    }),
    ben,
  );
  assert.equal(report.type, 'activated');
  assert.deepEqual(
    [
      await effectOf(control, 50),
      await effectOf(control, 50, 'beta'),
      await effectOf(control, 5, 'beta'),
    ],
    ['allow', 'deny', 'allow'],
  );
  assert.deepEqual(
    control.status('acme').bundles.map(({ name }) => name),
    ['base'],
  );
  const { policyDigest } = await control.engine.decide(inputOf(5, 'beta'));
  assert.equal(control.status('beta').digest, policyDigest);
  assert.notEqual(control.status('acme').digest, policyDigest);
  assert.deepEqual(
    control.status('beta').bundles.map(({ name }) => name),
    ['base', 'careful'],
  );
});

test('a rehearsal asks about the decisions of one tenant, and activation about all that the host has', async (t) => {
  const { control } = await open(t);
  await effectOf(control, 50);
  await effectOf(control, 5);
  await effectOf(control, 50, 'beta');
  await control.settle();
  const candidate = bundleOf({ revision: 1, bytesMax: 10 });
  const report = await control.rehearse(candidate, 0, ann);
  assert.deepEqual([report.decisions, report.changed, report.unchanged], [2, 1, 1]);
  assert.equal(report.changes[0]?.key.kind, 'allow-to-deny');
  assert.equal((await control.rehearse(candidate, 0, { ...ann, tenant: 'gamma' })).decisions, 0);
  await assert.rejects(control.rehearse(Buffer.from('x'), 0, ann), { code: 'validation_failed' });
  await assert.rejects(
    control.rehearse(bundleOf({ files: { 'authorize.cedar': 'permit' } }), 0, ann),
    { code: 'validation_failed' },
  );
  const many = await Promise.allSettled(
    Array.from({ length: 6 }, async () => control.rehearse(Buffer.from('x'), 0, ann)),
  );
  assert.deepEqual(
    many.map((one) => one.status === 'rejected' && Reflect.get(Object(one.reason), 'code')),
    [...Array.from({ length: 4 }, () => 'validation_failed'), 'overloaded', 'overloaded'],
  );
  const activated = await control.activate(bundleOf({ revision: 2, bytesMax: 10 }), ann);
  assert.ok(activated.type === 'activated');
  // Of whom a tenant's person asks: of the tenant's own.
  assert.equal(activated.rehearsal?.changed, 1);
  const byHost = await control.activate(bundleOf({ revision: 3, bytesMax: 4 }), {
    tenant: '',
    subject: 'host',
    roles: [],
  });
  assert.ok(byHost.type === 'activated');
  assert.equal(byHost.rehearsal?.decisions, 3);
});

test('a rule that asks to tell somebody is a line in the log, without a value', async (t) => {
  const world = createPolicyWorld(t);
  const usual = filesFor(100);
  const oblige =
    '@id("tell") @message("somebody should look") @oblige("notify") @channel("security,desk")\npermit (principal, action == ModelHost::Action::"AcceptInput", resource)\nwhen { context.inputBytes > 50 };\n';
  world.write('base.mhpb.json', bundleOf({ files: { ...usual, 'oblige.cedar': oblige } }));
  const control = await world.open({ watchMs: 0 });
  const told = () => world.logged.filter(({ msg }) => msg === 'policy asks to tell of a decision');
  await control.engine.decide(inputOf(50));
  assert.deepEqual(told(), []);
  await control.engine.decide(inputOf(51));
  const [{ time: _time, level, msg: _msg, ...line } = {}] = told();
  assert.deepEqual(
    [level, line],
    [
      40,
      {
        channels: ['desk', 'security'],
        tenant: 'acme',
        action: 'AcceptInput',
        effect: 'allow',
        rules: ['inputs'],
      },
    ],
  );
});

test('a tenant whose own bundle cannot be used any more can do nothing, and the others are served', async (t) => {
  const { world, control } = await open(t);
  const { publicKeyPem } = ada;
  const notAfter = '2028-01-01T00:00:00Z';
  const keys = [
    { publicKeyPem, scopes: ['root', 'platform', 'tenant:*'] as const, notAfter },
    {
      publicKeyPem: bob.publicKeyPem,
      scopes: ['root', 'platform', 'tenant:*'] as const,
      notAfter,
    },
  ];
  const own = { name: 'own', scope: { tenant: 'beta' }, bytesMax: 50 };
  world.write('root.json', trustRootOf({ version: 2, keys }, [ada, bob]));
  const two = { bundles: [{ file: 'base.mhpb.json' }, { file: 'own.mhpb.json' }] };
  world.write('own.mhpb.json', bundleOf({ ...own, signers: [bob] }));
  await control.close();
  const both = await world.open(two);
  assert.deepEqual([both.status().state, await effectOf(both, 50, 'beta')], ['up', 'allow']);
  await both.close();

  world.write('root.json', trustRootOf({ version: 3, keys, revoked: [bob.keyId] }, [ada]));
  const later = await world.open(two);
  assert.deepEqual([later.status().state, await effectOf(later, 50)], ['degraded', 'allow']);
  const denied = await later.engine.decide(inputOf(50, 'beta'));
  assert.deepEqual(
    [denied.effect, denied.reasons.map(({ rule }) => rule)],
    ['deny', ['policy-unavailable']],
  );
  // What is wrong with the bundle of one tenant is nothing for another to read.
  const placesFor = (tenant: string): readonly string[] =>
    later.status(tenant).problems.map(({ where }) => where.replace(`${world.directory}/`, ''));
  assert.deepEqual(
    [placesFor('acme'), placesFor('beta')],
    [['own.mhpb.json'], ['own@1', 'own.mhpb.json']],
  );
  await later.activate(bundleOf({ ...own, revision: 2 }), ben);
  assert.equal(await effectOf(later, 50, 'beta'), 'allow');
});

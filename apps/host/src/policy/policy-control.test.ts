import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
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
import type { OpenControl } from './fixtures/policy-world.ts';
import { createComponents } from '../components.ts';
import { createReadiness } from '../health/readiness.ts';
import { dayMs } from './fixtures/open-control.ts';

/** What is decided about inputs of these sizes. */
async function effectsOf(control: OpenControl): Promise<readonly string[]> {
  return Promise.all([100, 1_000].map(async (bytes) => effectOf(control, bytes)));
}

test('a configured bundle is taken at the first start, and the stored one at the next, though the file is gone', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf());
  const first = await world.open();
  const { effect, bundles, policyDigest } = await first.engine.decide(inputOf(100));
  assert.deepEqual([effect, bundles, policyDigest], ['allow', ['base@1'], first.engine.digest()]);
  await first.check();
  await first.close();
  assert.deepEqual(
    world.records().map(({ facts }) => [facts['state'], facts['trustRoot'] ?? facts['bundle']]),
    [
      ['intent', 1],
      ['done', 1],
      ['intent', 'base'],
      ['done', 'base'],
    ],
  );
  rmSync(join(world.directory, 'base.mhpb.json'));
  const second = await world.open();
  assert.deepEqual(await effectsOf(second), ['allow', 'deny']);
  assert.equal(second.engine.digest(), policyDigest);
  const { state, problems } = second.status();
  assert.equal(state, 'degraded');
  assert.match(
    problems[0]?.message ?? '',
    /base\.mhpb\.json: there is no such file; put it there$/,
  );
  await assert.rejects(second.check(), { code: 'failed_precondition' });
});

test('without any good bundle the host does not start, and says why of each', async (t) => {
  const world = createPolicyWorld(t);
  world.write('two.mhpb.json', bundleOf({ expires: '2026-11-10T00:00:00Z' }));
  const bundles = [{ file: 'base.mhpb.json' }, { file: 'two.mhpb.json' }];
  await assert.rejects(world.open({ bundles }), (thrown) => {
    assert.ok(thrown instanceof HostError && thrown.code === 'config_invalid');
    const [first, ...reasons] = thrown.message.replaceAll(`${world.directory}/`, '').split('\n');
    assert.equal(
      first,
      'policies.bundles: no bundle can decide; configure one that is signed, valid and passes its tests',
    );
    assert.deepEqual(reasons, [
      'base.mhpb.json: base.mhpb.json: there is no such file; put it there',
      'two.mhpb.json: expires: has passed; build the content again with a later one',
    ]);
    return true;
  });
});

test('a stored bundle stays when the configured one is refused or older, and gives way to a newer one', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf({ revision: 5 }));
  await (await world.open()).close();

  world.write('base.mhpb.json', bundleOf({ revision: 6, files: { 'authorize.cedar': 'permit' } }));
  const refused = await world.open();
  assert.deepEqual(
    [refused.status().state, refused.status().bundles[0]?.revision],
    ['degraded', 5],
  );
  await refused.close();

  world.write('base.mhpb.json', bundleOf({ revision: 4 }));
  const older = await world.open();
  assert.deepEqual([older.status().state, older.status().bundles[0]?.revision], ['up', 5]);
  // While it runs, nobody puts an old file there without wanting it to count.
  world.write('base.mhpb.json', bundleOf({ revision: 3 }));
  await world.clock.advance(1_000);
  await older.idle();
  assert.match(
    older.status().problems[0]?.message ?? '',
    /^revision: 3, and 5 was in force already; build/,
  );
  await older.close();

  world.write('base.mhpb.json', bundleOf({ revision: 7, bytesMax: 1_000 }));
  const newer = await world.open();
  assert.deepEqual(await effectsOf(newer), ['allow', 'allow']);
});

test('a changed file is taken while the host runs; one that is not good changes nothing', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf());
  const control = await world.open();
  const look = async (): Promise<string> => {
    await world.clock.advance(1_000);
    await control.idle();
    return control.status().state;
  };
  for (const broken of [
    'half a bun',
    bundleOf({
      revision: 2,
      files: {
        'authorize.cedar':
          '@id("x") permit (principal, action, resource) when { context.nothing };',
      },
    }),
    bundleOf({ revision: 2, files: { ...filesFor(100), 'tests/inputs.yaml': '[]' } }),
  ]) {
    world.write('base.mhpb.json', broken);
    assert.equal(await look(), 'degraded');
    assert.equal(await look(), 'degraded');
    assert.deepEqual(await effectsOf(control), ['allow', 'deny']);
  }
  world.write('base.mhpb.json', bundleOf({ revision: 2, bytesMax: 1_000 }));
  assert.equal(await look(), 'up');
  assert.deepEqual(await effectsOf(control), ['allow', 'allow']);
  const told = world.logged.filter(({ msg }) => String(msg).includes('last good rules'));
  assert.equal(told.length, 3);
});

test('an expired bundle decides for the grace; then everything is denied, until a new one comes', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf({ expires: '2026-11-26T12:00:00Z' }));
  const control = await world.open({ watchMs: 0, graceMs: 2 * dayMs });
  const readiness = createReadiness({
    components: createComponents({
      audit: control.audit,
      storage: { check: async () => {} },
      policyControl: control,
      providers: new Map(),
      tools: { servers: () => [] },
    }),
    now: () => world.clock.now(),
    checkTimeoutMs: 60_000,
    keepMs: 0,
    hide: (text) => text,
  });
  const ready = async (): Promise<string> => (await readiness.report()).status;
  await world.clock.advance(dayMs - 1);
  assert.deepEqual([control.status().state, await ready()], ['up', 'up']);
  await world.clock.advance(1);
  assert.deepEqual([control.status().state, await ready()], ['degraded', 'degraded']);
  assert.deepEqual(await effectsOf(control), ['allow', 'deny']);
  await assert.rejects(
    control.check(),
    /base@1 expired at 2026-11-26T12:00:00Z and decides for the grace only/,
  );

  await world.clock.advance(2 * dayMs);
  assert.deepEqual([control.status().state, await ready()], ['down', 'down']);
  const decision = await control.engine.decide(inputOf(100));
  assert.deepEqual(
    [decision.effect, decision.reasons.map(({ rule }) => rule)],
    ['deny', ['policy-expired']],
  );
  const asker = inputOf(1);
  assert.deepEqual(await control.engine.visible(asker, []), []);
  assert.equal((await control.engine.explain(asker)).decision.effect, 'deny');
  await assert.rejects(control.check(), /so everything is denied/);

  const report = await control.activate(bundleOf({ revision: 2 }), ann);
  assert.equal(report.type, 'activated');
  assert.equal(control.status().state, 'up');
  assert.deepEqual(await effectsOf(control), ['allow', 'deny']);
  await control.close();

  await world.clock.advance(365 * dayMs);
  rmSync(join(world.directory, 'base.mhpb.json'));
  await assert.rejects(
    world.open(),
    /what is stored has expired; configure a bundle with a later end/,
  );
});

test('a key that was revoked counts no more: the host says so at once, and takes nothing of it at the next start', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf());
  const control = await world.open();
  const { publicKeyPem, keyId } = ada;
  const notAfter = '2028-01-01T00:00:00Z';
  const keys = [
    { publicKeyPem, scopes: ['root', 'platform'] as const, notAfter },
    { publicKeyPem: bob.publicKeyPem, scopes: ['root', 'platform', 'tenant:*'] as const, notAfter },
  ];
  world.write('root.json', trustRootOf({ version: 2, keys }, [ada, bob]));
  await world.clock.advance(1_000);
  await control.idle();
  assert.equal(control.status().state, 'up');
  world.write('root.json', trustRootOf({ version: 3, keys, revoked: [keyId] }, [ada, bob]));
  await world.clock.advance(1_000);
  await control.idle();
  assert.match(
    control.status().problems[0]?.message ?? '',
    /revoked.*it decides until the host starts again$/,
  );
  assert.deepEqual(await effectsOf(control), ['allow', 'deny']);
  const again = await control.activate(bundleOf({ revision: 2 }), ann);
  assert.ok(again.type === 'refused' && again.code === 'revoked-key');
  await control.close();
  await assert.rejects(world.open(), /the stored bundle of the platform cannot be used/);
  // The same content needs no new revision, only a signature that counts.
  world.write('base.mhpb.json', bundleOf({ signers: [bob] }));
  const signed = await world.open();
  assert.deepEqual([signed.status().state, signed.status().bundles[0]?.revision], ['up', 1]);
  await signed.close();
  world.write('base.mhpb.json', bundleOf({ revision: 2, signers: [bob] }));
  const renewed = await world.open();
  assert.deepEqual([renewed.status().state, renewed.status().bundles[0]?.revision], ['up', 2]);
});

test('a trust root that does not follow from the one before, or is not the pinned one, is not taken', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf());
  const trustRootDigest = `sha256:${'0'.repeat(64)}`;
  await assert.rejects(world.open({ trustRootDigest }), /digest: is not the one that is pinned/);
  const control = await world.open();
  world.write('root.json', trustRootOf({ version: 3 }));
  await world.clock.advance(1_000);
  await control.idle();
  assert.match(control.status().problems[0]?.message ?? '', /version: must be 2, one above/);
  assert.equal((await control.activate(bundleOf({ revision: 2 }), ann)).type, 'activated');
  await control.close();
  // A root that is refused at a start leaves the one before in its place as well.
  const again = await world.open();
  assert.deepEqual([again.status().state, again.status().bundles[0]?.revision], ['degraded', 2]);
});

test('a file of the store that was lost or changed keeps the host from starting, and is named', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf());
  await (await world.open()).close();
  const store = join(world.directory, 'data', 'policy');
  for (const name of readdirSync(join(store, 'files'))) {
    const path = join(store, 'files', name);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(1));
    await assert.rejects(world.open(), (thrown: Error) =>
      thrown.message.startsWith(`${path}: was changed; put the whole directory back`),
    );
    writeFileSync(path, bytes);
  }
  await (await world.open()).close();
  rmSync(join(store, 'state.json'));
  await assert.rejects(world.open(), (thrown: Error) =>
    thrown.message.startsWith(`${join(store, 'state.json')}: is missing; `),
  );
});

test('whoever listens hears of each change of the rules, and of nothing else', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf());
  const control = await world.open();
  const heard: string[] = [];
  const stop = control.onChange(() => heard.push(control.engine.digest()));
  assert.equal((await control.activate(bundleOf(), ann)).type, 'unchanged');
  assert.equal((await control.activate(Buffer.from('{}'), ann)).type, 'refused');
  assert.deepEqual(heard, []);
  const next = bundleOf({ revision: 2, bytesMax: 50 });
  assert.equal((await control.activate(next, ann)).type, 'activated');
  assert.deepEqual(heard, [control.engine.digest()]);
  stop();
  assert.equal((await control.activate(bundleOf({ revision: 3 }), ann)).type, 'activated');
  assert.equal(heard.length, 1);
});

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Decision } from '@modelhost/kernel';
import {
  ann,
  bundleOf,
  createPolicyWorld,
  effectOf,
  filesFor,
  inputOf,
  mallory,
} from './fixtures/policy-world.ts';
import type { BundleDraft, OpenControl } from './fixtures/policy-world.ts';

const usual = filesFor(100);
const rule = usual['authorize.cedar'] ?? '';

/** What is wrong, the step that finds it, its code, and what is said of it. */
const refusals: readonly (readonly [string, BundleDraft, string, string, RegExp])[] = [
  ['a signature of nobody known', { signers: [mallory] }, 'verify', 'unknown-key', /key/],
  [
    'a host that is too old for it',
    { requires: { host: '9.0.0', cedar: '4.0.0' } },
    'verify',
    'requires-host',
    /9\.0\.0/,
  ],
  [
    'a Cedar that is too old for it',
    { requires: { host: '0.1.0', cedar: '5.0.0' } },
    'verify',
    'requires-cedar',
    /5\.0\.0/,
  ],
  ['a time to come', { notBefore: '2026-12-01T00:00:00Z' }, 'verify', 'not-yet-valid', /notBefore/],
  [
    'other content under the same revision',
    { revision: 5, bytesMax: 7 },
    'verify',
    'revision-reuse',
    /revision: 5/,
  ],
  [
    'another name than the one of its scope',
    { name: 'other' },
    'verify',
    'name',
    /name: must be base here/,
  ],
  [
    'an older revision',
    { revision: 4 },
    'verify',
    'revision-rollback',
    /build the content again with a higher revision/,
  ],
  [
    'tests that cannot be read',
    { files: { ...usual, 'tests/inputs.yaml': '- nme: x' } },
    'read',
    'content-invalid',
    /^tests\/inputs\.yaml:1:8: test "": nme: unknown key/,
  ],
  [
    'tools that cannot be read',
    { files: { ...usual, 'tools.json': '{' } },
    'read',
    'content-invalid',
    /^tools\.json: is not JSON/,
  ],
  [
    'rules that are no Cedar',
    { files: { ...usual, 'authorize.cedar': 'permit (all);' } },
    'compile',
    'rules-invalid',
    /^authorize\.cedar:1:/,
  ],
  [
    'a condition that can never hold',
    {
      files: {
        ...usual,
        'authorize.cedar': rule.replace(
          '<= 100',
          '<= 100 && context.inputBytes is ModelHost::User',
        ),
      },
    },
    'compile',
    'rules-invalid',
    /^authorize\.cedar:/,
  ],
  [
    'an unknown annotation',
    { files: { ...usual, 'authorize.cedar': `@mesage("x") ${rule}` } },
    'compile',
    'rules-invalid',
    /mesage/,
  ],
  [
    'an expectation that is not met',
    {
      files: {
        ...usual,
        'tests/inputs.yaml':
          '- name: x\n  given: { action: AcceptInput, bytes: 101 }\n  expect: { effect: allow }\n',
      },
    },
    'test',
    'tests-failed',
    /✖ x {2}\(tests\/inputs\.yaml:1\)\n {6}effect: expected allow, but it is deny: default-deny/,
  ],
  [
    'a rule that no test hits',
    { files: { 'authorize.cedar': rule } },
    'test',
    'tests-failed',
    /No test ever hits these rules; write one for each:\n {2}inputs {2}authorize\.cedar:1:1/,
  ],
];

test('each step refuses with its own code and changes nothing', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf({ revision: 5 }));
  const control = await world.open();
  const before = control.status();
  const recordsBefore = world.records().length;
  for (const [title, draft, step, code, told] of refusals) {
    const report = await control.activate(bundleOf({ revision: 6, ...draft }), ann);
    assert.ok(report.type === 'refused', title);
    assert.deepEqual([report.step, report.code], [step, code], title);
    assert.match(report.message, told, title);
    assert.equal(report.tests !== undefined, step === 'test', title);
  }
  const report = await control.activate(Buffer.from('{}'), ann);
  assert.ok(report.type === 'refused' && report.code === 'payload-type');
  assert.deepEqual(control.status(), before);
  assert.equal(world.records().length, recordsBefore);
  // What was refused has no mark: the next revision is still free.
  assert.equal((await control.activate(bundleOf({ revision: 6 }), ann)).type, 'activated');
});

test('an activation is on record between intent and outcome, with who asked and what it was', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf());
  const control = await world.open();
  const report = await control.activate(bundleOf({ revision: 2, bytesMax: 7 }), ann);
  assert.ok(report.type === 'activated');
  const { bundle, slot, signedBy, tests, rehearsal } = report;
  assert.deepEqual([bundle.name, bundle.revision, slot, signedBy.length], ['base', 2, 'active', 1]);
  assert.deepEqual([tests.isPassed, tests.tests.length, rehearsal?.decisions], [true, 1, 0]);
  const records = world.records().slice(-2);
  assert.deepEqual(
    records.map(({ facts }) => facts),
    ['intent', 'done'].map((state) => ({
      state,
      bundle: 'base',
      scope: 'platform',
      revision: 2,
      digest: bundle.digest,
      slot: 'active',
      signedBy,
    })),
  );
  assert.deepEqual(
    records.map(({ actor }) => actor),
    ['acme/ann', 'acme/ann'],
  );
  assert.deepEqual(await control.activate(bundleOf({ revision: 2, bytesMax: 7 }), ann), {
    type: 'unchanged',
    bundle,
    slot,
  });
  assert.equal(world.records().length, 6);
});

test('old content comes back under a higher revision', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf({ bytesMax: 100 }));
  const control = await world.open({ watchMs: 0 });
  await control.activate(bundleOf({ revision: 2, bytesMax: 7 }), ann);
  assert.equal(await effectOf(control, 50), 'deny');
  await control.activate(bundleOf({ revision: 1, bytesMax: 100 }), ann);
  assert.equal(await effectOf(control, 50), 'deny');
  await control.activate(bundleOf({ revision: 3, bytesMax: 100 }), ann);
  assert.equal(await effectOf(control, 50), 'allow');
});

test('without its record nothing is put in force', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf());
  const control = await world.open({ watchMs: 0 });
  await control.audit.close();
  const report = await control.activate(bundleOf({ revision: 2, bytesMax: 7 }), ann);
  assert.ok(report.type === 'refused');
  assert.deepEqual(
    [report.step, report.code, report.bundle?.revision],
    ['record', 'audit-unavailable', 2],
  );
  assert.deepEqual(
    control.status().bundles.map(({ revision }) => revision),
    [1],
  );
  assert.equal(await effectOf(control, 50), 'allow');
});

test('what cannot be stored is not put in force, and its failure is on record', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf());
  const control = await world.open({ watchMs: 0 });
  rmSync(join(world.directory, 'data', 'policy', 'files'), { recursive: true });
  const report = await control.activate(bundleOf({ revision: 2, bytesMax: 7 }), ann);
  assert.ok(report.type === 'refused');
  assert.deepEqual([report.step, report.code], ['store', 'store-failed']);
  assert.match(report.message, /data\/policy\/files: cannot be written; make room on the disk/);
  assert.equal(await effectOf(control, 50), 'allow');
  assert.deepEqual(
    world
      .records()
      .slice(-2)
      .map(({ facts }) => [facts['state'], facts['revision']]),
    [
      ['intent', 2],
      ['failed', 2],
    ],
  );
});

test('each decision is made by one bundle whole: before the swap by the old one, from then on by the new one', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf({ bytesMax: 10 }));
  const decided: { readonly step: string; readonly decision: Promise<Decision> }[] = [];
  const isOpen = { value: false };
  const control: OpenControl = await world.open({ watchMs: 0 }, (step) => {
    if (isOpen.value) decided.push({ step, decision: control.engine.decide(inputOf(100)) });
  });
  isOpen.value = true;
  await control.activate(bundleOf({ revision: 2, bytesMax: 1_000 }), ann);
  const swapped = decided.findIndex(({ step }) => step === 'swapped');
  assert.ok(swapped > 0);
  for (const [index, { step, decision }] of decided.entries()) {
    const { effect, bundles, policyDigest } = await decision;
    const expected = index < swapped ? ['deny', 'base@1'] : ['allow', 'base@2'];
    assert.deepEqual([effect, ...bundles], expected, step);
    assert.equal(policyDigest === control.engine.digest(), index >= swapped, step);
  }
});

test('activations follow one another, and too many at once are turned away', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf());
  const control = await world.open({ watchMs: 0 });
  const old = bundleOf({ signers: [mallory] });
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, async () => control.activate(old, ann)),
  );
  const rejected = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  assert.equal(rejected.length, 4);
  assert.ok(rejected.every((reason) => Reflect.get(Object(reason), 'code') === 'overloaded'));
});

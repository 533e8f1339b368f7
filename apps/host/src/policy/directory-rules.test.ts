import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ann, bundleOf, createPolicyWorld, filesFor, inputOf } from './fixtures/policy-world.ts';

const rules = (bytesMax: number): string => filesFor(bytesMax)['authorize.cedar'] ?? '';

test('rules of a directory decide without a bundle, and are taken anew when they change and can be used', async (t) => {
  const world = createPolicyWorld(t);
  mkdirSync(join(world.directory, 'rules'));
  world.write('rules/a.cedar', rules(10));
  const control = await world.open({ directory: 'rules' });
  const decide = async () => {
    const { effect, bundles } = await control.engine.decide(inputOf(50));
    return [effect, bundles, control.status().state];
  };
  const look = async (): Promise<void> => {
    await world.clock.advance(1_000);
    await control.idle();
  };
  assert.deepEqual(await decide(), ['deny', [], 'up']);
  assert.deepEqual([control.status().source, control.status().bundles], ['directory', []]);
  const before = control.engine.digest();

  world.write('rules/a.cedar', 'permit (principal');
  await look();
  assert.deepEqual(await decide(), ['deny', [], 'degraded']);
  assert.match(control.status().problems[0]?.message ?? '', /^a\.cedar:1:/);
  assert.equal(world.records().length, 0);

  world.write('rules/a.cedar', rules(50));
  await look();
  assert.deepEqual(await decide(), ['allow', [], 'up']);
  assert.deepEqual(
    world.records().map(({ actor, facts }) => [actor, facts]),
    ['intent', 'done'].map((state) => [
      'host',
      { state, source: 'directory', before, digest: control.engine.digest() },
    ]),
  );
});

test('rules of a directory that cannot be used keep the host from starting', async (t) => {
  const world = createPolicyWorld(t);
  mkdirSync(join(world.directory, 'rules'));
  await assert.rejects(world.open({ directory: 'rules' }), /no \.cedar file/);
  world.write('rules/a.cedar', 'permit (principal');
  await assert.rejects(world.open({ directory: 'rules' }), /^HostError: a\.cedar:1:/);
});

test('a host with a directory takes no bundle, but rehearses one whose signatures it can check', async (t) => {
  const world = createPolicyWorld(t);
  mkdirSync(join(world.directory, 'rules'));
  world.write('rules/a.cedar', rules(100));
  const bundle = bundleOf({ bytesMax: 10 });
  const plain = await world.open({ directory: 'rules', watchMs: 0 });
  const report = await plain.activate(bundle, ann);
  assert.ok(report.type === 'refused' && report.code === 'unsigned-host');
  await assert.rejects(plain.rehearse(bundle, 0, ann), { code: 'failed_precondition' });
  await plain.close();

  const control = await world.open({ directory: 'rules', trustRoot: 'root.json', watchMs: 0 });
  await control.engine.decide(inputOf(50));
  await control.settle();
  assert.equal((await control.rehearse(bundle, 0, ann)).changed, 1);
});

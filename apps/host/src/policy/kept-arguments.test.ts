import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callOf, draftOf, forbidWhen } from './fixtures/mail-calls.ts';
import { dayMs } from './fixtures/open-control.ts';
import { ann, bundleOf, createPolicyWorld } from './fixtures/policy-world.ts';
import type { OpenControl } from './fixtures/policy-world.ts';

const address = 'someone@example.org';

async function keptArguments(control: OpenControl): Promise<readonly unknown[]> {
  await control.settle();
  const { decisions } = await control.log.page({ tenant: 'acme', pageSize: 10 });
  assert.ok(!JSON.stringify(decisions).includes(address));
  return decisions.map(({ request: { resource }, masked }) => [
    resource.type === 'tool' ? resource.arguments : {},
    masked,
  ]);
}

test('what a decision hides in arguments is nowhere in the log, and only rules that would read it cannot be rehearsed', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf(draftOf('')));
  const control = await world.open({ watchMs: 0 });
  const { effect } = await control.engine.decide(callOf({ to: `To ${address}`, count: 3 }));
  await control.engine.decide(callOf({ to: 'the team', count: 3 }));
  assert.equal(effect, 'allow');
  assert.deepEqual(await keptArguments(control), [
    [{ to: 'the team', count: 3 }, []],
    [{ to: { $hidden: 'To [EMAIL]', $type: 'string' }, count: 3 }, ['to']],
  ]);
  const rehearsed = async (condition: string) => {
    const report = await control.rehearse(bundleOf(draftOf(forbidWhen(condition), 2)), 0, ann);
    const { changed, unchanged, undecidable, undecided } = report;
    return { changed, unchanged, undecidable, rules: undecided.map(({ key }) => key.rule) };
  };
  assert.deepEqual(await rehearsed('context.arguments has count && context.arguments.count > 2'), {
    changed: 2,
    unchanged: 0,
    undecidable: 0,
    rules: [],
  });
  assert.deepEqual(await rehearsed('context.arguments has to && context.arguments.to like "*@*"'), {
    changed: 0,
    unchanged: 1,
    undecidable: 1,
    rules: ['no'],
  });
});

test('where no rule decides, no rule says what is hidden: no arguments are kept', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf(draftOf('')));
  const control = await world.open({ watchMs: 0, graceMs: dayMs });
  await world.clock.advance(3 * dayMs);
  const { effect, reasons } = await control.engine.decide(callOf({ to: address }));
  assert.deepEqual([effect, reasons[0]?.rule], ['deny', 'policy-expired']);
  assert.deepEqual(await keptArguments(control), [[{}, ['*']]]);
});

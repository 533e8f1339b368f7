import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import { HostError } from '@modelhost/kernel';
import fc from 'fast-check';
import { sharedCedar } from '../cedar-runtime.ts';
import { readScope } from '../rule-scope.ts';
import { createRuleIndex, createRuleIndexBuilder } from './rule-index.ts';
import type { IndexedRule, RuleQuery } from './rule-index.ts';

const uid = (type: string, id: string): TypeAndId => ({ type: `ModelHost::${type}`, id });
const text = ({ type, id }: TypeAndId): string => `${type}::${JSON.stringify(id)}`;

// Near misses: ids that another type has too, that differ in case, that hold the signs of the keys.
const names = ['a', 'A', 'b', '*', '=a', 'a,b'];
const actions = ['s__a', 's__A', 't__a', '*', '=s__a'];
const name = fc.constantFrom(...names);

const principalHead = fc.oneof(
  fc.constant('principal'),
  name.map((id) => `principal == ${text(uid('User', `x/${id}`))}`),
  name.map((id) => `principal in ${text(uid('Role', `x/${id}`))}`),
  name.map((id) => `principal in ${text(uid('User', `x/${id}`))}`),
  name.map((id) => `principal in ${text(uid('Tenant', id))}`),
  fc.constant('principal is ModelHost::User'),
  name.map((id) => `principal is ModelHost::User in ${text(uid('Role', `x/${id}`))}`),
);
const resourceHead = fc.oneof(
  fc.constant('resource'),
  name.map((id) => `resource == ${text(uid('Tool', id))}`),
  name.map((id) => `resource in ${text(uid('ToolServer', id))}`),
  name.map((id) => `resource in ${text(uid('Tool', id))}`),
  fc.constant('resource is ModelHost::Tool'),
  name.map((id) => `resource is ModelHost::Tool in ${text(uid('ToolServer', id))}`),
);
const action = (id: string): string => text(uid('Action', id));
const actionHead = fc.oneof(
  fc.constant('action'),
  fc.constant(`action in ${action('CallTool')}`),
  fc.constantFrom(...actions).map((id) => `action == ${action(id)}`),
  fc
    .subarray([...actions, 'CallTool'], { minLength: 1 })
    .map((ids) => `action in [${ids.map(action).join(', ')}]`),
);

const head = fc.record({
  effect: fc.constantFrom('permit', 'forbid'),
  principal: principalHead,
  action: actionHead,
  resource: resourceHead,
});

const query: fc.Arbitrary<RuleQuery> = fc.record({
  actions: fc.constantFrom(...actions).map((id) => [id, 'CallTool']),
  principal: name.map((id) => uid('User', `x/${id}`)),
  principalParents: fc
    .tuple(name, fc.subarray(names))
    .map(([tenant, roles]) => [
      uid('Tenant', tenant),
      ...roles.map((role) => uid('Role', `x/${role}`)),
    ]),
  resource: name.map((id) => uid('Tool', id)),
  resourceParents: name.map((id) => [uid('ToolServer', id)]),
});

interface Head {
  readonly effect: string;
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
}

const anybody: Head = {
  effect: 'permit',
  principal: 'principal',
  action: 'action',
  resource: 'resource',
};

interface HeadRule extends IndexedRule {
  readonly effect: string;
  readonly text: string;
}

function rulesOf(heads: readonly Head[]): readonly HeadRule[] {
  return heads.map((each, place) => {
    const { effect, principal, action: actionText, resource } = each;
    const ruleText = `${effect} (${principal}, ${actionText}, ${resource});`;
    const answer = sharedCedar.parse(ruleText);
    assert.ok(answer.type === 'success');
    const fail = (problem: string): HostError => new HostError('internal', problem);
    return { id: `r${place}`, effect, text: ruleText, ...readScope(answer.json, fail) };
  });
}

/** Ids of the rules of which Cedar itself says that they apply. */
function appliedByCedar(rules: readonly HeadRule[], asked: RuleQuery): readonly string[] {
  const [id = '', ...groups] = asked.actions;
  const entity = (self: TypeAndId, parents: readonly TypeAndId[]) => ({
    uid: self,
    attrs: {},
    parents: [...parents],
  });
  const question = {
    principal: asked.principal,
    action: uid('Action', id),
    resource: asked.resource,
    context: {},
    entities: [
      entity(asked.principal, asked.principalParents),
      entity(asked.resource, asked.resourceParents),
      entity(
        uid('Action', id),
        groups.map((group) => uid('Action', group)),
      ),
    ],
  };
  // A forbid that applies hides the permits, hence twice.
  const ids = ['permit', 'forbid'].flatMap((effect) => {
    const some = rules.filter((rule) => rule.effect === effect);
    const policies: Record<string, string> = {};
    for (const rule of some) policies[rule.id] = rule.text;
    const answer = sharedCedar.evaluate({ policies }, question);
    assert.ok(answer.type === 'success');
    return answer.response.diagnostics.reason;
  });
  return ids.sort();
}

function idsOf(rules: readonly IndexedRule[]): readonly string[] {
  return rules.map(({ id }) => id);
}

suite('rule index', () => {
  test('finds exactly the rules that Cedar says apply, by their heads', () => {
    fc.assert(
      fc.property(fc.array(head, { maxLength: 8 }), query, (heads, asked) => {
        const rules = rulesOf(heads);
        const found = createRuleIndex(rules).candidates(asked);
        assert.deepEqual(idsOf(found), appliedByCedar(rules, asked));
      }),
      { numRuns: 60 },
    );
  });

  test('takes an action that is called like the sign for any action as that one action', () => {
    const index = createRuleIndex(
      rulesOf([
        { ...anybody, action: `action == ${action('*')}` },
        { ...anybody, action: `action in [${action('*')}, ${action('t__a')}]` },
      ]),
    );
    const ask = (id: string): readonly string[] =>
      idsOf(
        index.candidates({
          actions: [id, 'CallTool'],
          principal: uid('User', 'x/a'),
          principalParents: [],
          resource: uid('Tool', id),
          resourceParents: [],
        }),
      );
    assert.deepEqual(ask('s__a'), []);
    assert.deepEqual(ask('t__a'), ['r1']);
    assert.deepEqual(ask('*'), ['r0', 'r1']);
  });

  test('answers principals that no rule tells apart with the very same list', () => {
    const index = createRuleIndex(
      rulesOf([
        { ...anybody, action: `action in ${action('CallTool')}` },
        { ...anybody, principal: `principal in ${text(uid('Role', 'x/a'))}` },
        { ...anybody, principal: `principal == ${text(uid('User', 'x/b'))}` },
      ]),
    );
    const ask = (user: string, role: string): readonly HeadRule[] =>
      index.candidates({
        actions: ['s__a', 'CallTool'],
        principal: uid('User', `x/${user}`),
        principalParents: [uid('Role', `x/${role}`)],
        resource: uid('Tool', 's__a'),
        resourceParents: [uid('ToolServer', 's')],
      });
    assert.equal(ask('a', 'c'), ask('A', 'C'));
    assert.equal(ask('a', 'a'), ask('A', 'a'));
    assert.deepEqual(idsOf(ask('a', 'c')), ['r0']);
    assert.deepEqual(idsOf(ask('a', 'a')), ['r0', 'r1']);
    assert.deepEqual(idsOf(ask('b', 'a')), ['r0', 'r1', 'r2']);
  });

  test('unpacks rules when one of their pack is first asked about, once, and misses none in silence', () => {
    const [one = assert.fail(), other = assert.fail()] = rulesOf([
      { ...anybody, action: `action == ${action('s__a')}` },
      { ...anybody, action: `action == ${action('t__a')}` },
    ]);
    const unpacked: string[] = [];
    const builder = createRuleIndexBuilder<HeadRule>();
    builder.add({ heads: [one], unpack: () => (unpacked.push('one'), [one]) });
    builder.add({ heads: [other], unpack: () => (unpacked.push('other'), []) });
    const index = builder.build();
    const ask = (id: string): readonly HeadRule[] =>
      index.candidates({
        actions: [id, 'CallTool'],
        principal: uid('User', 'x/a'),
        principalParents: [],
        resource: uid('Tool', id),
        resourceParents: [],
      });
    assert.equal(index.size, 2);
    assert.deepEqual(unpacked, []);
    assert.deepEqual([idsOf(ask('s__a')), idsOf(ask('s__a'))], [['r0'], ['r0']]);
    assert.deepEqual(unpacked, ['one']);
    assert.throws(() => ask('t__a'), /not there/);
  });
});

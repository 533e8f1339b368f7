import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { PolicyRequest } from '@modelhost/kernel';
import fc from 'fast-check';
import { callRequest, toolOf } from '../fixtures/requests.ts';
import type { RequestChange } from '../fixtures/requests.ts';
import { createPolicyEngine } from '../policy-engine.ts';
import type { DecisionPoint } from '../policy-engine.ts';
import { readRuleSet, singleSource } from '../rule-set.ts';
import { clausesOf } from './clauses.ts';
import type { Explanation } from './explanation.ts';

const call = 'action in ModelHost::Action::"CallTool"';
const tool = toolOf(
  { amount: { type: 'integer' }, note: { type: 'string' } },
  { required: ['amount'] },
);

function engineOf(text: string, oblige = ''): DecisionPoint {
  const files = [
    { name: 'a.cedar', text },
    { name: 'oblige.cedar', text: oblige },
  ];
  const source = { name: 'x', scope: 'platform', revision: 0, digest: 'd', tools: [] } as const;
  return createPolicyEngine({ source: singleSource(readRuleSet({ ...source, files })) });
}

const text = `
@id("pay") permit (principal in ModelHost::Role::"acme/clerk", action == ModelHost::Action::"s__act", resource)
when { context.arguments.amount < 100 && principal.tenant == ModelHost::Tenant::"acme" // ours
};
@id("boss") permit (principal in ModelHost::Role::"acme/boss", ${call}, resource);
@id("taint") forbid (principal, ${call}, resource) when { context.labels.untrusted };
@id("gate") @remedy("approval") @approvers("finance") @quorum("2") forbid (principal, ${call}, resource)
when { context.history.callsOfTool > 0 } unless { context has approval };
@id("night") forbid (principal, ${call}, resource) when { context.now < datetime("2026-11-23T06:00:00Z") };
`;
const oblige = `@id("note") @oblige("audit") @level("full") permit (principal, ${call}, resource) when { context.labels.untrusted };`;
const engine = engineOf(text, oblige);

function explain(amount: number, change: RequestChange = {}): Promise<Explanation> {
  return engine.explain(callRequest(tool, { amount }, { roles: ['clerk'], ...change }));
}

function statesOf({ rules }: Explanation): Record<string, string> {
  return Object.fromEntries(rules.map(({ id, state }) => [id, state]));
}

function changesOf({ changes }: Explanation): readonly string[] {
  return changes.map(({ change, effect }) => `${change}: ${effect}`);
}

suite('explaining a decision', () => {
  test('tells of every rule whether it applies, where it stands and what it reads', async () => {
    const explanation = await explain(50);
    assert.equal(explanation.decision.effect, 'allow');
    assert.deepEqual(statesOf(explanation), {
      pay: 'applies',
      boss: 'not-satisfied',
      gate: 'not-satisfied',
      night: 'not-satisfied',
      note: 'not-satisfied',
      taint: 'not-satisfied',
    });
    const [pay] = explanation.rules;
    assert.equal(pay?.place, 'a.cedar:2:1');
    assert.deepEqual(pay.facts, ['context.arguments.amount', 'principal', 'principal.tenant']);
  });

  test('tells which conditions do not hold, part by part', async () => {
    const { rules } = await explain(500);
    const unsatisfied = Object.fromEntries(rules.map((rule) => [rule.id, rule.unsatisfied]));
    assert.deepEqual(unsatisfied, {
      boss: ['principal in ModelHost::Role::"acme/boss"'],
      gate: ['when { context.history.callsOfTool > 0 }'],
      night: ['when { context.now < datetime("2026-11-23T06:00:00Z") }'],
      note: ['when { context.labels.untrusted }'],
      pay: ['when { context.arguments.amount < 100 }'],
      taint: ['when { context.labels.untrusted }'],
    });
  });

  test('tells what would change the outcome', async () => {
    assert.deepEqual(changesOf(await explain(50, { labels: { integrity: 'untrusted' } })), [
      'nothing untrusted had been read: allow',
      'there were no rule taint: allow',
    ]);
    assert.deepEqual(changesOf(await explain(500)), ['the user had the role boss: allow']);
    assert.deepEqual(changesOf(await explain(50, { nowMs: Date.UTC(2026, 10, 23, 3, 30) })), [
      'it were 2026-11-23T06:30Z: allow',
      'there were no rule night: allow',
    ]);
    assert.deepEqual(changesOf(await explain(50, { history: { callsOfTool: 1 } })), [
      'approved by 2 people with the role finance: allow',
      'something untrusted had been read: deny',
      'nothing had been called before: allow',
      'the user did not have the role clerk: deny',
      'there were no rule gate: allow',
    ]);
  });

  test('counts an approval that was given', async () => {
    const votes = ['bob', 'eve'].map((subject) => ({ subject, roles: ['finance'] }));
    const approval = { callDigest: 'digest-1', votes, expiresAtMs: Number.MAX_SAFE_INTEGER };
    const timely = { ...approval, expiresAtMs: Date.UTC(2027, 0) };
    const approved = await explain(50, { history: { callsOfTool: 1 }, approval: timely });
    assert.equal(approved.decision.effect, 'allow');
    assert.equal(statesOf(approved)['gate'], 'not-satisfied');
  });

  test('names evidence and an agent among what could be otherwise', async () => {
    const strict = engineOf(`
      @id("p") permit (principal is ModelHost::User, ${call}, resource);
      @id("e") forbid (principal, ${call}, resource) when { context has evidence && !context.evidence.unendorsed.isEmpty() };`);
    const values = [{ path: 'note', origin: 'model', sources: [] }] as const;
    const change = { evidence: { values } };
    assert.deepEqual(changesOf(await strict.explain(callRequest(tool, { amount: 1 }, change))), [
      'the user had named every value that decides what the call does: allow',
      'there were no rule e: allow',
    ]);
    assert.deepEqual(
      changesOf(await strict.explain(callRequest(tool, { amount: 1 }, { isDelegated: true }))),
      ['the user did it without an agent: allow'],
    );
  });

  test('says which condition failed', async () => {
    const failing = engineOf(`@id("f") permit (principal, ${call}, resource)
      when { resource.egress } when { context.history.callsOfTool * 9007199254740991 * 2048 > 0 };`);
    const { rules } = await failing.explain(
      callRequest(tool, { amount: 1 }, { history: { callsOfTool: 1 } }),
    );
    assert.deepEqual(
      rules.map(({ state, unsatisfied }) => [state, unsatisfied]),
      [['failed', ['when { context.history.callsOfTool * 9007199254740991 * 2048 > 0 }']]],
    );
  });

  test('of what cannot be asked has no rules, and throws nothing', async () => {
    const broken = callRequest(tool, { amount: 1.5 });
    const { decision, rules, changes } = await engine.explain(broken);
    assert.deepEqual([decision.effect, rules, changes], ['deny', [], []]);
  });

  test('holds no argument, and agrees with the decision', async () => {
    const someRequest: fc.Arbitrary<PolicyRequest> = fc
      .record({
        amount: fc.integer({ min: 1_000_000, max: 9_000_000 }),
        isSmall: fc.boolean(),
        integrity: fc.constantFrom('trusted', 'untrusted'),
        callsOfTool: fc.nat(1),
        roles: fc.subarray(['clerk', 'boss']),
      })
      .map(({ amount, isSmall, integrity, callsOfTool, roles }) =>
        callRequest(
          tool,
          { amount: isSmall ? -amount : amount, note: `secret-${amount}` },
          { roles, labels: { integrity }, history: { callsOfTool } },
        ),
      );
    await fc.assert(
      fc.asyncProperty(someRequest, async (request) => {
        assert.ok(request.resource.type === 'tool');
        const explanation = await engine.explain(request);
        assert.deepEqual(explanation.decision, await engine.decide(request));
        const said = JSON.stringify(explanation);
        for (const value of Object.values(request.resource.arguments)) {
          assert.ok(!said.includes(typeof value === 'string' ? value : JSON.stringify(value)));
        }
        const states = statesOf(explanation);
        for (const { rule } of explanation.decision.reasons) {
          if (rule !== 'default-deny') assert.equal(states[rule], 'applies');
        }
        for (const { effect } of explanation.changes) {
          assert.notEqual(effect, explanation.decision.effect);
        }
      }),
      { numRuns: 40 },
    );
  });
});

suite('the conditions of a rule as they are written', () => {
  test('are split at the signs that join them, and nowhere else', () => {
    const rule = `@message("when { a }") permit (principal, action, resource)
      when { a && (b || c) && "&& }" == d // && e
      } unless { f && g } when { h || i && j } when { if k then l else m && n };`;
    assert.deepEqual(clausesOf(rule), [
      {
        kind: 'when',
        body: 'a && (b || c) && "&& }" == d // && e',
        parts: ['a', '(b || c)', '"&& }" == d // && e'],
      },
      { kind: 'unless', body: 'f && g', parts: [] },
      { kind: 'when', body: 'h || i && j', parts: [] },
      { kind: 'when', body: 'if k then l else m && n', parts: [] },
    ]);
  });
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { AuthorizationAnswer } from '@cedar-policy/cedar-wasm/nodejs';
import fc from 'fast-check';
import { sharedCedar } from '../cedar-runtime.ts';
import type { CedarQuestion } from '../cedar-runtime.ts';
import { uid } from '../entity-uid.ts';
import { flatQuestion } from './flat-question.ts';
import type { FlatRules } from './flat-question.ts';
import { flattenRules } from './flat-rules.ts';

/** Conditions of which the values can be sent one by one; some fail for some of the questions. */
const followed = [
  'true',
  'context.labels.untrusted',
  'context has evidence',
  'context has evidence && context.evidence has origins',
  'context.evidence has origins',
  'context.evidence.origins.contains("model")',
  'context has evidence.origins',
  '{ evidence: context.evidence }.evidence == { origins: ["a"] }',
  'context.arguments.path like "a*"',
  'context.arguments["pa.th"] == "x"',
  'context.arguments has note && context.arguments.note == ""',
  'context.arguments == { path: "a" }',
  'context.labels.sources.containsAny(["s", "t"])',
  '[context.labels.untrusted, true] == [true]',
  'if context.labels.untrusted then context.count > 1 else -context.count < 0',
  'context.count * 4503599627370496 * 2048 > 0',
  'context.now < datetime("2026-11-23T10:00:01Z")',
  'context.now.offset(duration("1h")) > datetime("2026-11-23T10:30:00Z")',
  'context.ratio.greaterThan(decimal("0.5"))',
  '!context.labels.sources.isEmpty()',
  'principal.tenant == ModelHost::Tenant::"acme"',
  'ModelHost::Tenant::"acme" != principal.tenant',
  'principal.tenant == ModelHost::Tenant::"Acme"',
  'resource.owner == ModelHost::User::"acme/ann"',
  'resource.owner != ModelHost::User::"acme/ann" && resource.owner == principal',
  'resource.name == ModelHost::User::"x"',
  'principal has owner',
  'resource has owner && resource.owner == principal',
  'resource.owner == principal',
  'principal == ModelHost::User::"acme/ann"',
  'principal is ModelHost::User',
  'principal in ModelHost::Role::"acme/staff"',
  'principal is ModelHost::User in ModelHost::Role::"acme/staff"',
  'resource in [ModelHost::ToolServer::"s", ModelHost::Tenant::"acme"]',
  'action == ModelHost::Action::"s__act"',
  '{ ".": context.count, "has": 1 }[" "] == 1',
  '{ ".": context.count, "Var": 1 }["."] == 1',
];

/** Conditions that have to be asked as they stand. */
const unfollowed = [
  'context == {}',
  'principal.tenant has name',
  'resource.owner.tenant == principal.tenant',
  'resource.owner in ModelHost::Role::"acme/staff"',
  'action in ModelHost::Action::"CallTool"',
  'ModelHost::User::"acme/ann" in ModelHost::Role::"acme/staff"',
  '(if context.labels.untrusted then principal else principal).tenant == principal.tenant',
  // Numbers past 2^53, which JavaScript rounds.
  'context.count == 9007199254740993',
  'context.count * 1844674407370955161 > 0',
  `${'('.repeat(24)}1${' + context.count)'.repeat(24)} > 0`,
];

const someQuestion: fc.Arbitrary<CedarQuestion> = fc
  .record({
    isUntrusted: fc.boolean(),
    sources: fc.constantFrom<string[]>([], ['s'], ['u']),
    evidence: fc.constantFrom<Record<string, string[]> | undefined>(
      undefined,
      {},
      { origins: [] },
      { origins: ['model', 'a'] },
    ),
    values: fc.constantFrom<Record<string, string>>(
      { path: 'a' },
      { path: 'b', note: '' },
      { path: 'ab', 'pa.th': 'x' },
    ),
    count: fc.constantFrom(0, 1, 2, 5),
    ratio: fc.constantFrom('0.5', '0.6'),
    second: fc.constantFrom('00', '01'),
    owner: fc.constantFrom(undefined, 'acme/ann', 'acme/bob'),
    roles: fc.constantFrom([], ['acme/staff']),
  })
  .map(({ isUntrusted, sources, evidence, values, count, ratio, second, owner, roles }) => {
    const tenant = uid('Tenant', 'acme');
    const [principal, resource] = [uid('User', 'acme/ann'), uid('Tool', 's__act')];
    return {
      principal,
      action: uid('Action', 's__act'),
      resource,
      context: {
        labels: { untrusted: isUntrusted, sources },
        ...(evidence === undefined ? {} : { evidence }),
        arguments: values,
        count,
        ratio: { __extn: { fn: 'decimal', arg: ratio } },
        now: { __extn: { fn: 'datetime', arg: `2026-11-23T10:00:${second}.000Z` } },
      },
      entities: [
        {
          uid: principal,
          attrs: { tenant: { __entity: tenant } },
          parents: [tenant, ...roles.map((role) => uid('Role', role))],
        },
        {
          uid: resource,
          attrs: {
            name: 'ModelHost::User"x',
            ...(owner === undefined ? {} : { owner: { __entity: uid('User', owner) } }),
          },
          parents: [uid('ToolServer', 's')],
        },
      ],
    };
  });

function ruleOf(condition: string): string {
  return `permit (principal, action, resource) when { ${condition} };`;
}

function flatten(conditions: readonly string[]): FlatRules | undefined {
  return flattenRules(
    conditions.map((condition, place) => {
      const answer = sharedCedar.parse(ruleOf(condition));
      assert.ok(answer.type === 'success', condition);
      return { id: `r${place}`, policy: answer.json };
    }),
  );
}

/** What applies and what fails; the words of an error may differ. */
function saidBy(answer: AuthorizationAnswer): unknown {
  assert.ok(answer.type === 'success', JSON.stringify(answer));
  const { reason, errors } = answer.response.diagnostics;
  return [reason.toSorted(), errors.map(({ policyId }) => policyId).sort()];
}

suite('flat rules', () => {
  test('say of every question what the rules say as they stand, errors included', () => {
    const some = fc.subarray(followed, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(some, someQuestion, (conditions, question) => {
        const flat = flatten(conditions);
        assert.ok(flat !== undefined, conditions.join('; '));
        const texts = conditions.map(
          (condition, place) => [`r${place}`, ruleOf(condition)] as const,
        );
        const whole = sharedCedar.evaluate({ policies: Object.fromEntries(texts) }, question);
        const asked = flatQuestion(question, flat);
        // Without it the rules are asked as they stand.
        if (asked === undefined) return;
        assert.deepEqual(saidBy(sharedCedar.evaluate(flat, asked)), saidBy(whole));
      }),
      { numRuns: 400 },
    );
  });

  test('are not made of rules that look where nothing is sent, or that would change', () => {
    for (const condition of unfollowed) {
      assert.equal(flatten([condition]), undefined, condition);
      assert.equal(flatten(['true', condition]), undefined, condition);
    }
  });

  test('leave out what no rule reads', () => {
    const [question] = fc.sample(someQuestion, 1);
    const flat = flatten(['context.count > 1', 'context has evidence', 'context.count < 9']);
    assert.ok(flat !== undefined && question !== undefined);
    const asked = flatQuestion(
      { ...question, context: { count: 7, evidence: { a: 'secret' } } },
      flat,
    );
    assert.deepEqual(asked?.context, { 0: 7, 1: true });
    assert.deepEqual(asked.entities, []);
  });

  test('are given up where a record is missing of which they ask for members', () => {
    const flat = flatten(['context.evidence has origins']);
    const [question] = fc.sample(someQuestion, 1);
    assert.ok(flat !== undefined && question !== undefined);
    assert.equal(flatQuestion({ ...question, context: {} }, flat), undefined);
    assert.deepEqual(flatQuestion({ ...question, context: { evidence: {} } }, flat)?.context, {});
  });
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { Decision, JsonObject, PolicyEngine } from '@modelhost/kernel';
import { pointOf, pointUnchecked } from './fixtures/decision-points.ts';
import { expected, toCedar, toRequest } from './fixtures/plain-rules.ts';
import type { Condition, PlainRequest, PlainRule } from './fixtures/plain-rules.ts';
import { callRequest, inputRequest, modelRequest, toolOf } from './fixtures/requests.ts';

// Close neighbours, so that mixing up two requests or two values shows.
const somePath = fc.constantFrom('a', 'ab', 'A', 'a ', 'b');
const someCount = fc.constantFrom(-1, 0, 1, 2);
const someRatio = fc.constantFrom(0, 0.5, 0.5001, 1);

const someCondition: fc.Arbitrary<Condition> = fc.oneof(
  fc.constant({ type: 'none' } as const),
  fc.record({ type: fc.constantFrom('path-is', 'path-begins', 'path-among'), path: somePath }),
  fc.record({ type: fc.constant('count-above'), count: someCount }),
  fc.record({ type: fc.constant('ratio-above'), ratio: someRatio }),
  fc.constant({ type: 'has-note' } as const),
);

// Up to seven rules with ids of their own.
const plainRules: fc.Arbitrary<readonly PlainRule[]> = fc
  .array(
    fc.record({
      effect: fc.constantFrom('permit', 'permit', 'forbid'),
      hasRemedy: fc.boolean(),
      principal: fc.constantFrom('any', 'any', 'ann', 'staff'),
      actions: fc.constantFrom('any', 'calls', 's', 's-and-t', 'model'),
      resource: fc.constantFrom(
        'any',
        'any',
        'server-s',
        'tool-t',
        'is-tool',
        'is-tool-in-s',
        'model-m',
      ),
      condition: someCondition,
    }),
    { maxLength: 7 },
  )
  .map((rules) =>
    rules.map((rule, index) => ({
      ...rule,
      id: `rule-${index}`,
      resource: canApply(rule) ? rule.resource : 'any',
    })),
  );

// Rules that could never apply are refused, which has tests of its own.
function canApply({ actions, resource }: Pick<PlainRule, 'actions' | 'resource'>): boolean {
  if (actions === 'any' || resource === 'any') return true;
  return (actions === 'model') === (resource === 'model-m');
}

// Requests that differ little from each other.
const plainRequests: fc.Arbitrary<readonly PlainRequest[]> = fc.array(
  fc.record({
    target: fc.constantFrom('s', 't', 'm', 'n'),
    subject: fc.constantFrom('ann', 'Ann'),
    roles: fc.constantFrom([], ['staff'], ['Staff', 'other']),
    path: somePath,
    count: someCount,
    ratio: someRatio,
    note: fc.constantFrom(undefined, ''),
  }),
  { minLength: 1, maxLength: 5 },
);

function engineOf(rules: readonly PlainRule[]): PolicyEngine {
  return pointUnchecked(rules.map(toCedar).join('\n'));
}

function rulesOf({ reasons }: Decision): readonly string[] {
  return reasons.map(({ rule }) => rule);
}

suite('laws of decisions', () => {
  test('an oracle of a few lines agrees: default deny, forbid beats permit, hold only what is permitted', async () => {
    await fc.assert(
      fc.asyncProperty(plainRules, plainRequests, async (rules, requests) => {
        const engine = engineOf(rules);
        for (const request of requests) {
          const decision = await engine.decide(toRequest(request));
          assert.deepEqual(
            { effect: decision.effect, rules: rulesOf(decision) },
            expected(rules, request),
          );
        }
      }),
      { numRuns: 100 },
    );
  });

  test('whatever the schema and the arguments are, it answers, and denies without a permit', async () => {
    const permitAll = '@id("all") permit (principal, action, resource);';
    const permissive = pointOf(permitAll);
    const empty = pointOf([]);
    const key = fc.constantFrom('type', 'items', 'properties', 'a', 'b', '__entity', '__proto__');
    const word = fc.constantFrom(
      'string',
      'integer',
      'number',
      'array',
      'object',
      'null',
      '\ud800',
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        word,
        fc.double(),
        fc.constantFrom(null, true, undefined, 1n),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(fc.dictionary(key, tree), fc.dictionary(key, tree), async (one, two) => {
        // Not only JSON, to see that whatever comes is answered.
        const [properties, values] = [one as JsonObject, two as JsonObject];
        const request = callRequest(toolOf(properties), values);
        assert.ok(['allow', 'deny'].includes((await permissive.decide(request)).effect));
        assert.equal((await empty.decide(request)).effect, 'deny');
      }),
      { numRuns: 100 },
    );
  });
});

suite('what rules can see', () => {
  function decideWith(
    condition: string,
    request: Parameters<PolicyEngine['decide']>[0],
  ): Promise<Decision> {
    const { action } = request;
    const scope =
      action === 'CallTool'
        ? 'action in ModelHost::Action::"CallTool"'
        : `action == ModelHost::Action::"${action}"`;
    const text = `@id("r") permit (principal, ${scope}, resource) when { ${condition} };`;
    return pointOf(text).decide(request);
  }

  test('principal, resource, context and time', async () => {
    const properties = {
      names: { type: 'array', items: { type: 'string' } },
      kind: { enum: ['a', 'b'] },
      inner: { type: 'object', properties: { deep: { type: 'boolean' } }, required: ['deep'] },
      edits: {
        type: 'array',
        items: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] },
      },
    };
    const values = { names: ['x', 'x'], kind: 'b', inner: { deep: true }, edits: [{ n: 1 }] };
    const call = callRequest(toolOf(properties), values);
    const seen: readonly (readonly [string, typeof call])[] = [
      [
        'principal.tenant == ModelHost::Tenant::"acme" && principal in ModelHost::Tenant::"acme"',
        call,
      ],
      [
        'principal == ModelHost::User::"acme/ann" && principal in ModelHost::Role::"acme/staff"',
        call,
      ],
      [
        'resource.name == "s__act" && resource.server == "s" && resource.effect == "irreversible"',
        call,
      ],
      ['context.arguments.names.contains("x") && context.arguments.kind == "b"', call],
      ['context.arguments.inner.deep && context.arguments.edits.contains({n: 1})', call],
      [
        'context.runId == "run-1" && context.agent == "helper" && context.callDigest == "digest-1"',
        call,
      ],
      ['context.counters.tokens == 70 && context.counters.costMicroUsd == 5', call],
      ['context.counters.modelCalls == 1 && context.counters.toolCalls == 2', call],
      ['context.now == datetime("2026-11-23T10:00:00Z")', call],
      ['context.now.toTime() < duration("18h")', call],
      ['resource == ModelHost::Model::"m" && resource.provider == "p"', modelRequest('m')],
      ['context.inputTokens == 10 && context.maxOutputTokens == 100', modelRequest('m')],
      ['resource == ModelHost::Agent::"helper" && context.inputBytes == 7', inputRequest(7)],
    ];
    for (const [condition, request] of seen) {
      assert.equal((await decideWith(condition, request)).effect, 'allow', condition);
      assert.deepEqual(rulesOf(await decideWith(`!(${condition})`, request)), ['default-deny']);
    }
  });

  test('a rule that asks for an argument it cannot see denies when the argument is there', async () => {
    const invisible: readonly JsonObject[] = [
      { type: ['string', 'integer'] },
      { type: ['string', 'integer', 'null'] },
      { type: 'null' },
      { anyOf: [{ type: 'string' }] },
      { $ref: '#/$defs/path' },
      { enum: ['a', 1] },
      { type: 'array', prefixItems: [{ type: 'string' }] },
      { type: 'array', items: { type: ['string', 'integer'] } },
    ];
    for (const path of invisible) {
      const tool = toolOf({ path, note: { type: 'string' } }, { required: [] });
      const condition = '!(context.arguments has path && resource.name == "x")';
      const there = await decideWith(condition, callRequest(tool, { path: 'a' }));
      assert.equal(there.effect, 'deny', JSON.stringify(path));
      assert.deepEqual(there.reasons, [
        { rule: 'policy-error', message: 'rule r names an argument whose type policy cannot see' },
      ]);
      assert.equal((await decideWith(condition, callRequest(tool, { note: 'a' }))).effect, 'allow');
      assert.equal((await decideWith('true', callRequest(tool, { path: 'a' }))).effect, 'allow');
    }
  });

  test('an undeclared argument is the same: ignored, unless a rule asks for it', async () => {
    const request = callRequest(toolOf({}), { name: 'a', inner: { path: 'b' } });
    assert.equal((await decideWith('resource.name == "s__act"', request)).effect, 'allow');
    const asked = await decideWith('!(context has arguments.inner)', request);
    assert.deepEqual(rulesOf(asked), ['policy-error']);
  });

  test('arguments are not compared as a whole while a part of them is hidden', async () => {
    const tool = toolOf({
      path: { type: 'string' },
      inner: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
      list: {
        type: 'array',
        items: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
      },
    });
    const inner = { a: 'y' };
    const plain = { path: 'x', inner, list: [inner] };
    const rows: readonly (readonly [string, JsonObject])[] = [
      [
        'context.arguments == {path: "x", inner: {a: "y"}, list: [{a: "y"}]}',
        { ...plain, evil: 1 },
      ],
      ['[context.arguments].contains(context.arguments)', { ...plain, evil: 1 }],
      ['context.arguments.inner == {a: "y"}', { ...plain, inner: { a: 'y', evil: 1 } }],
      ['context.arguments.list.contains({a: "y"})', { ...plain, list: [{ a: 'y', evil: 1 }] }],
    ];
    for (const [condition, values] of rows) {
      assert.equal(
        (await decideWith(condition, callRequest(tool, plain))).effect,
        'allow',
        condition,
      );
      const hidden = await decideWith(condition, callRequest(tool, values));
      assert.deepEqual(rulesOf(hidden), ['policy-error'], condition);
    }
    // A member beside the hidden one can still be asked for.
    const path = 'context.arguments has path && context.arguments.path == "x"';
    const beside = await decideWith(path, callRequest(tool, { ...plain, evil: 1 }));
    assert.equal(beside.effect, 'allow');
  });

  test('people and roles of one tenant are nobody in another', async () => {
    const condition =
      'principal == ModelHost::User::"acme/ann" || principal in ModelHost::Role::"acme/staff"';
    assert.equal((await decideWith(condition, modelRequest('m'))).effect, 'allow');
    const evil = await decideWith(condition, modelRequest('m', { tenant: 'evil' }));
    assert.deepEqual(rulesOf(evil), ['default-deny']);
    const slash = await decideWith('true', modelRequest('m', { tenant: 'acme/ann' }));
    assert.deepEqual(rulesOf(slash), ['policy-error']);
  });

  test('an answer gives the first reasons only, however many rules match', async () => {
    const rules = Array.from(
      { length: 400 },
      (_none, index) =>
        `@id("r${String(index).padStart(3, '0')}") forbid (principal, action, resource);`,
    );
    const engine = pointOf(rules.join('\n'));
    const { reasons } = await engine.decide(modelRequest('m'));
    assert.deepEqual(
      [reasons.length, reasons[0]?.rule, reasons.at(-1)?.rule],
      [32, 'r000', 'r031'],
    );
  });

  test('a tool that is named like an action of the host is refused', async () => {
    for (const name of ['CallTool', 'UseModel', 'AcceptInput']) {
      const request = callRequest(toolOf({}, { name, server: 'client' }), {});
      assert.deepEqual(rulesOf(await decideWith('true', request)), ['policy-error']);
    }
  });

  test('a request whose parts do not go together, or with inexact numbers, is refused', async () => {
    const call = callRequest(toolOf({}), {});
    const odd = [
      { ...call, action: 'UseModel' as const },
      { ...modelRequest('m'), action: 'CallTool' as const },
      { ...inputRequest(1), action: 'UseModel' as const },
      inputRequest(1.5),
      modelRequest('m', { costMicroUsd: 0.5 }),
      modelRequest('m', { nowMs: Number.NaN }),
      modelRequest('m', { nowMs: 8.7e15 }),
      modelRequest('m', { roles: Array.from({ length: 65 }, (_, index) => `r${index}`) }),
      modelRequest('m', { subject: '\ud800' }),
    ];
    const text = '@id("r") permit (principal, action, resource);';
    const engine = pointOf(text);
    for (const request of odd) {
      assert.deepEqual(rulesOf(await engine.decide(request)), ['policy-error']);
    }
    assert.equal((await engine.decide(call)).effect, 'allow');
  });
});

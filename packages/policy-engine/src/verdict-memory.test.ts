import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { PolicyRequest } from '@modelhost/kernel';
import { createCedarRuntime, loadCedar, sharedCedar } from './cedar-runtime.ts';
import type { CedarRuntime } from './cedar-runtime.ts';
import { pointOf, pointOn } from './fixtures/decision-points.ts';
import { callRequest, nowMs, toolOf } from './fixtures/requests.ts';
import { namesIn, wholeContext } from './rule-names.ts';

const tool = toolOf({ path: { type: 'string' }, count: { type: 'integer' } });

/** Conditions that look at different members of the context, or at none. */
const conditions = [
  'true',
  'context.arguments.path == "a"',
  'context.arguments has count && context.arguments.count > 1',
  'context.now < datetime("2026-11-23T10:00:01Z")',
  'context.counters.costMicroUsd > 6',
  'context.runId like "run-1*"',
  'context.agent == "helper"',
  'context has approval',
  'context has approval.approvers && context.approval.approvers.contains("bob")',
  '(if context.agent == "helper" then context.counters else context.counters).toolCalls > 1',
  'principal in ModelHost::Role::"acme/staff"',
];

const someRules = fc.array(
  fc.record({
    effect: fc.constantFrom('permit', 'forbid'),
    condition: fc.constantFrom(...conditions),
    isRemedied: fc.boolean(),
  }),
  { minLength: 1, maxLength: 5 },
);

const someRequest: fc.Arbitrary<PolicyRequest> = fc
  .record({
    path: fc.constantFrom('a', 'b'),
    count: fc.constantFrom(1, 2, 1.5),
    roles: fc.constantFrom(['staff'], []),
    nowMs: fc.constantFrom(nowMs, nowMs + 2_000),
    costMicroUsd: fc.constantFrom(5, 7),
    callDigest: fc.constantFrom('digest-1', 'digest-2'),
    approval: fc.constantFrom(undefined, {
      callDigest: 'digest-1',
      votes: [{ subject: 'bob', roles: [] }],
      expiresAtMs: nowMs + 1_000,
    }),
    runId: fc.constantFrom('run-1', 'run-2'),
    agent: fc.constantFrom('helper', 'other'),
  })
  .map(({ path, count, runId, agent, approval, ...change }) => {
    const request = callRequest(
      tool,
      { path, count },
      approval === undefined ? change : { ...change, approval },
    );
    return { ...request, agent, context: { ...request.context, runId } };
  });

function textOf(rules: typeof someRules extends fc.Arbitrary<infer Value> ? Value : never): string {
  return rules
    .map(({ effect, condition, isRemedied }, index) => {
      const remedy = effect === 'forbid' && isRemedied ? '@remedy("approval") ' : '';
      return `@id("r${index}") ${remedy}${effect} (principal, action in ModelHost::Action::"CallTool", resource) when { ${condition} };`;
    })
    .join('\n');
}

function countingRuntime(): { readonly cedar: CedarRuntime; readonly asked: () => number } {
  const inner = createCedarRuntime(loadCedar);
  let asked = 0;
  return {
    cedar: {
      ...inner,
      evaluate: (slice, question) => {
        asked += 1;
        return inner.evaluate(slice, question);
      },
    },
    asked: () => asked,
  };
}

suite('what the engine remembers', () => {
  test('an engine that remembers decides like one that never saw another request', async () => {
    await fc.assert(
      fc.asyncProperty(
        someRules,
        fc.array(someRequest, { minLength: 2, maxLength: 8 }),
        async (rules, requests) => {
          const text = textOf(rules);
          const remembering = pointOf(text);
          for (const request of requests) {
            const fresh = pointOn(sharedCedar, text);
            assert.deepEqual(await remembering.decide(request), await fresh.decide(request));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('calls that differ only in what no rule reads are asked once, and others each', async () => {
    const { cedar, asked } = countingRuntime();
    const text =
      '@id("r") permit (principal, action, resource) when { context.agent == "helper" };';
    const engine = pointOn(cedar, text);
    const decide = async (request: PolicyRequest) => void (await engine.decide(request));
    await decide(callRequest(tool, { path: 'a', count: 1 }));
    await decide(callRequest(tool, { path: 'b', count: 2 }, { nowMs: nowMs + 1, costMicroUsd: 9 }));
    assert.equal(asked(), 1);
    await decide({ ...callRequest(tool, { path: 'a', count: 1 }), agent: 'other' });
    assert.equal(asked(), 2);
    // Who asks is nothing that this rule looks at.
    await decide(callRequest(tool, { path: 'a', count: 1 }, { subject: 'eve' }));
    await decide(callRequest(tool, { path: 'a', count: 1 }, { roles: [] }));
    assert.equal(asked(), 2);
  });

  test('a rule that looks at who asks is asked anew for each who does', async () => {
    const { cedar, asked } = countingRuntime();
    const engine = pointOn(
      cedar,
      '@id("r") permit (principal, action, resource) when { principal == ModelHost::User::"acme/ann" };',
    );
    const effectFor = async (subject: string): Promise<string> =>
      (await engine.decide(callRequest(tool, { path: 'a', count: 1 }, { subject }))).effect;
    assert.equal(await effectFor('ann'), 'allow');
    assert.equal(await effectFor('eve'), 'deny');
    assert.equal(asked(), 2);
  });

  test('a long question is asked each time', async () => {
    const { cedar, asked } = countingRuntime();
    const text =
      '@id("r") permit (principal, action in ModelHost::Action::"CallTool", resource) when { context.arguments.path != "" };';
    const engine = pointOn(cedar, text);
    const request = callRequest(tool, { path: 'a'.repeat(5_000), count: 1 });
    await engine.decide(request);
    await engine.decide(request);
    assert.equal(asked(), 2);
  });

  test('a rule that uses the context as a whole reads all of it', () => {
    const read = (text: string): readonly string[] => {
      const answer = sharedCedar.parse(`permit (principal, action, resource) when { ${text} };`);
      return answer.type === 'success' ? namesIn(answer.json).contextNamed : assert.fail();
    };
    assert.ok(read('[context].contains(context)').includes(wholeContext));
    assert.ok(read('(if true then context else context).now == 1').includes(wholeContext));
    assert.deepEqual(read('context.a.b == 1 && context has c.d'), ['a', 'c']);
    assert.deepEqual(read('principal has tenant'), []);
  });
});

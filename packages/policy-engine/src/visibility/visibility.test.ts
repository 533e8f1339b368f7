import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { PolicyRequest, ToolDefinition } from '@modelhost/kernel';
import fc from 'fast-check';
import { sharedCedar } from '../cedar-runtime.ts';
import type { CedarRuntime } from '../cedar-runtime.ts';
import { callRequest, nowMs, toolOf } from '../fixtures/requests.ts';
import { createPolicyEngine } from '../policy-engine.ts';
import type { DecisionPoint } from '../policy-engine.ts';
import { readRuleSet, singleSource } from '../rule-set.ts';
import type { RuleSet } from '../rule-set.ts';
import { createVisibility } from './visibility.ts';

const call = 'action in ModelHost::Action::"CallTool"';
const list = 'action == ModelHost::Action::"ListTool"';

const tools: readonly ToolDefinition[] = ['s', 't'].flatMap((server) =>
  [true, false].map((egress) =>
    toolOf(
      { path: { type: 'string' } },
      { name: `${server}__${egress ? 'send' : 'read'}`, server, egress },
    ),
  ),
);

function ruleSetOf(text: string): RuleSet {
  return readRuleSet({
    name: 'test',
    scope: 'platform',
    revision: 0,
    digest: text,
    files: [{ name: 'a.cedar', text }],
    tools: [],
  });
}

function engineOf(text: string): DecisionPoint {
  return createPolicyEngine({ source: singleSource(ruleSetOf(text)) });
}

const asker = {
  principal: { tenant: 'acme', subject: 'ann', roles: ['staff'] },
  agent: 'helper',
  isDelegated: false,
};

async function namesFor(text: string, change: Partial<typeof asker> = {}): Promise<string[]> {
  const shown = await engineOf(text).visible({ ...asker, ...change }, tools);
  return shown.map(({ name }) => name);
}

const all = ['s__send', 's__read', 't__send', 't__read'];
const permitAll = `@id("p") permit (principal, ${call}, resource);`;

// Rules, and the tools that can be seen under them.
const shownUnder: readonly (readonly [string, string, readonly string[]])[] = [
  ['no rule', '', []],
  ['a permit for everybody', permitAll, all],
  [
    'a permit for a role of another tenant',
    `@id("p") permit (principal in ModelHost::Role::"other/staff", ${call}, resource);`,
    [],
  ],
  [
    'a permit for a server',
    `@id("p") permit (principal, ${call}, resource in ModelHost::ToolServer::"s");`,
    ['s__send', 's__read'],
  ],
  [
    'a forbid without conditions',
    `${permitAll} @id("f") forbid (principal, ${call}, resource in ModelHost::ToolServer::"s");`,
    ['t__send', 't__read'],
  ],
  [
    'a forbid about what the tool is',
    `${permitAll} @id("f") forbid (principal, ${call}, resource) when { resource.egress };`,
    ['s__read', 't__read'],
  ],
  [
    'a forbid about what the tool is and what has been read',
    `${permitAll} @id("f") forbid (principal, ${call}, resource) when { resource.egress && context.labels.untrusted };`,
    all,
  ],
  [
    'a permit about an argument',
    `@id("p") permit (principal, ${call}, resource) when { context.arguments.path == "a" };`,
    all,
  ],
  [
    'a permit about an argument and what the tool is not',
    `@id("p") permit (principal, ${call}, resource) when { context.arguments.path == "a" && !resource.egress };`,
    ['s__read', 't__read'],
  ],
  [
    'a forbid that an approval lifts',
    `${permitAll} @id("f") @remedy("approval") forbid (principal, ${call}, resource) when { resource.egress } unless { context has approval };`,
    all,
  ],
  [
    'a forbid that holds with evidence and without',
    `${permitAll} @id("f") forbid (principal, ${call}, resource) when { resource.egress && (context has evidence || !(context has evidence)) };`,
    ['s__read', 't__read'],
  ],
  [
    'a forbid without evidence',
    `${permitAll} @id("f") forbid (principal, ${call}, resource) when { resource.egress && !(context has evidence) };`,
    all,
  ],
  [
    'a forbid to list',
    `${permitAll} @id("f") forbid (principal, ${list}, resource == ModelHost::Tool::"s__read");`,
    ['s__send', 't__send', 't__read'],
  ],
  [
    'a forbid to list for an agent',
    `${permitAll} @id("f") forbid (principal, ${list}, resource) when { context.agent == "helper" };`,
    [],
  ],
  [
    'a rule about the user',
    `${permitAll} @id("f") forbid (principal, ${call}, resource) unless { principal in ModelHost::Role::"acme/boss" };`,
    [],
  ],
];

suite('which tools can be seen', () => {
  for (const [title, text, names] of shownUnder) {
    test(`under ${title}`, async () => {
      assert.deepEqual(await namesFor(text), names);
    });
  }

  test('an agent that acts by itself sees what both it and the user may call', async () => {
    const text = `@id("u") permit (principal is ModelHost::User, ${call}, resource);
      @id("a") permit (principal == ModelHost::Agent::"helper", ${call}, resource in ModelHost::ToolServer::"t");`;
    assert.deepEqual(await namesFor(text), all);
    assert.deepEqual(await namesFor(text, { isDelegated: true }), ['t__send', 't__read']);
  });

  test('is asked once for equal tools, askers and rules, and anew under other rules', async () => {
    let asked = 0;
    const cedar: CedarRuntime = {
      ...sharedCedar,
      evaluatePartially: (slice, question) => {
        asked += 1;
        return sharedCedar.evaluatePartially(slice, question);
      },
    };
    const visibility = createVisibility(cedar);
    const visible: typeof visibility.visible = (...asking) => visibility.visible(...asking);
    const rules = ruleSetOf(
      `${permitAll} @id("f") forbid (principal, ${call}, resource) when { resource.egress };`,
    );
    await visible(asker, tools, [rules]);
    // Two of the four tools send, and nothing else of them is looked at.
    assert.equal(asked, 2);
    await visible(asker, tools, [rules]);
    const bob = { ...asker, principal: { ...asker.principal, subject: 'bob' } };
    await visible(bob, tools, [rules]);
    assert.equal(asked, 2);
    assert.deepEqual(await visible(asker, tools, [rules, ruleSetOf(permitAll.replace('p', 'q'))]), [
      tools[1],
      tools[3],
    ]);
    assert.deepEqual(await visible(asker, tools, []), []);
  });

  test('lets others run between many tools', async () => {
    const many = Array.from({ length: 200 }, (_, place) =>
      toolOf({}, { name: `s__tool-${place}`, server: 's' }),
    );
    let turns = 0;
    const count = (): void => {
      turns += 1;
      pending = setImmediate(count);
    };
    let pending = setImmediate(count);
    const shown = await engineOf(permitAll).visible(asker, many);
    clearImmediate(pending);
    assert.equal(shown.length, 200);
    assert.ok(turns >= 3);
  });
});

const conditions = [
  'true',
  'resource.egress',
  'resource.name == "s__send"',
  'resource in ModelHost::ToolServer::"s"',
  'principal in ModelHost::Role::"acme/staff"',
  'principal is ModelHost::Agent',
  'context.delegated',
  'context.agent == "helper"',
  'context.labels.untrusted',
  '!(context.labels.untrusted)',
  'context has evidence',
  'context has evidence && context.evidence.unendorsed.isEmpty()',
  'context has approval',
  'context.arguments.path like "a*"',
  'context.history.callsOfTool > 1',
  'context.now < datetime("2026-11-23T10:00:01Z")',
];

const someCondition = fc
  .tuple(
    fc.subarray(conditions, { minLength: 1, maxLength: 3 }),
    fc.constantFrom(' && ', ' || '),
    fc.boolean(),
  )
  .map(([parts, sign, isNegated]) => {
    const text = parts.map((part) => `(${part})`).join(sign);
    return isNegated ? `!(${text})` : text;
  });

const someRules = fc
  .array(
    fc.record({
      effect: fc.constantFrom('permit', 'permit', 'forbid'),
      isRemedied: fc.boolean(),
      principal: fc.constantFrom(
        'principal',
        'principal',
        'principal is ModelHost::Agent',
        'principal in ModelHost::Role::"acme/boss"',
      ),
      condition: someCondition,
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((rules) =>
    rules
      .map(({ effect, isRemedied, principal, condition }, place) => {
        const remedy = effect === 'forbid' && isRemedied ? '@remedy("approval") ' : '';
        return `@id("r${place}") ${remedy}${effect} (${principal}, ${call}, resource) when { ${condition} };`;
      })
      .join('\n'),
  );

const someRequest: fc.Arbitrary<PolicyRequest> = fc
  .record({
    tool: fc.constantFrom(...tools),
    path: fc.constantFrom('a', 'b'),
    isDelegated: fc.boolean(),
    agent: fc.constantFrom('helper', 'other'),
    roles: fc.constantFrom(['staff'], ['boss'], []),
    integrity: fc.constantFrom('trusted', 'untrusted'),
    evidence: fc.constantFrom(undefined, { values: [] }, {
      values: [{ path: 'path', origin: 'model', sources: [] }],
    } as const),
    callsOfTool: fc.constantFrom(0, 2),
    later: fc.constantFrom(0, 2_000),
    isApproved: fc.boolean(),
  })
  .map(({ tool, path, agent, isApproved, integrity, callsOfTool, later, evidence, ...change }) => {
    const approval = {
      callDigest: 'digest-1',
      votes: [{ subject: 'bob', roles: [] }],
      expiresAtMs: nowMs + 9_000,
    };
    const request = callRequest(
      tool,
      { path },
      {
        ...change,
        nowMs: nowMs + later,
        labels: { integrity },
        history: { callsOfTool },
        ...(evidence === undefined ? {} : { evidence }),
        ...(isApproved ? { approval } : {}),
      },
    );
    return { ...request, agent };
  });

suite('the law of what can be seen', () => {
  test('what is hidden is denied whatever is asked, and what may be called is never hidden', async () => {
    await fc.assert(
      fc.asyncProperty(
        someRules,
        fc.array(someRequest, { minLength: 6 }),
        async (text, requests) => {
          const engine = engineOf(text);
          for (const request of requests) {
            assert.ok(request.resource.type === 'tool');
            const { principal, agent, isDelegated, resource } = request;
            const shown = await engine.visible({ principal, agent, isDelegated }, [resource.tool]);
            const { effect } = await engine.decide(request);
            if (shown.length === 0) assert.equal(effect, 'deny', text);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { confidentialityLevels, noHistory, noStatistics } from '@modelhost/kernel';
import type { Decision, PolicyRequest, ToolDefinition, ValueOrigin } from '@modelhost/kernel';
import {
  checkPolicyText,
  createPolicyEngine,
  readBundleContent,
  readRuleSet,
  runBundleTests,
  singleSource,
} from '@modelhost/policy-engine';
import type { RuleSet } from '@modelhost/policy-engine';
import fc from 'fast-check';

const directory = fileURLToPath(new URL('../../../examples/policies/default/', import.meta.url));

async function readProject(): Promise<ReturnType<typeof readBundleContent>> {
  const names = await readdir(directory, { recursive: true });
  const files = names
    .filter((name) => /\.(?:cedar|json|yaml)$/.test(name))
    .map(async (name) => ({ name, text: await readFile(`${directory}${name}`, 'utf8') }));
  return readBundleContent(await Promise.all(files));
}

async function readRules(): Promise<RuleSet> {
  const { rules, tools } = await readProject();
  const about = { name: 'default', scope: 'platform', revision: 1, digest: '0' } as const;
  return readRuleSet({ ...about, files: rules, tools });
}

test('the default policy is valid to the letter, and its tests pass and hit every rule', async () => {
  const { rules, tools, tests } = await readProject();
  assert.deepEqual(checkPolicyText(rules, tools), []);
  const report = await runBundleTests(await readRules(), tests);
  assert.deepEqual(
    report.tests.filter(({ problems }) => problems.length > 0),
    [],
  );
  assert.deepEqual(report.neverHit, []);
});

const origins: readonly ValueOrigin['origin'][] = [
  'prompt',
  'reference',
  'trusted',
  'untrusted',
  'model',
];

/** What the rules may look at, as places in lists that get worse from start to end. */
const facts = fc.record({
  effect: fc.constantFrom('none', 'reversible', 'idempotent', 'irreversible'),
  egress: fc.boolean(),
  isUntrusted: fc.boolean(),
  level: fc.nat({ max: 3 }),
  clearance: fc.nat({ max: 3 }),
  origins: fc.array(fc.nat({ max: 4 }), { maxLength: 3 }),
});
type Facts = typeof facts extends fc.Arbitrary<infer T> ? T : never;

function requestOf(given: Facts): PolicyRequest {
  const tool: ToolDefinition = {
    name: 'desk__do',
    description: '',
    inputSchema: { type: 'object' },
    effect: given.effect,
    integrity: 'untrusted',
    decisionArguments: ['to'],
    egress: given.egress,
    clearance: confidentialityLevels[given.clearance] ?? 'public',
    server: 'desk',
    serverTool: 'do',
    executor: 'host',
  };
  return {
    principal: { tenant: 'acme', subject: 'ann', roles: [] },
    agent: 'agent',
    isDelegated: true,
    action: 'CallTool',
    resource: { type: 'tool', tool, arguments: {} },
    context: {
      runId: 'run-1',
      nowMs: 0,
      callDigest: 'a'.repeat(64),
      spent: noStatistics,
      approval: undefined,
      labels: {
        integrity: given.isUntrusted ? 'untrusted' : 'trusted',
        sources: [],
        confidentiality: confidentialityLevels[given.level] ?? 'secret',
        compartments: [],
      },
      evidence: {
        values: given.origins.map((place, at) => ({
          path: `to[${at}]`,
          origin: origins[place] ?? 'model',
          sources: [],
        })),
      },
      history: noHistory,
    },
  };
}

const severity = { allow: 0, hold: 1, deny: 2 } as const;

test('more taint, more confidential data and worse origins never get more allowed', async () => {
  const engine = createPolicyEngine({ source: singleSource(await readRules()) });
  const decide = async (given: Facts): Promise<Decision['effect']> =>
    (await engine.decide(requestOf(given))).effect;
  await fc.assert(
    fc.asyncProperty(facts, fc.nat({ max: 2 }), async (given, at) => {
      const worse: readonly Facts[] = [
        { ...given, isUntrusted: true },
        { ...given, level: Math.min(3, given.level + 1) },
        { ...given, clearance: Math.max(0, given.clearance - 1) },
        { ...given, egress: true },
        { ...given, origins: given.origins.map((place, i) => (i === at ? 4 : place)) },
        { ...given, origins: given.origins.map((place, i) => (i === at ? 3 : Math.max(place, 3))) },
        { ...given, origins: [...given.origins, 4] },
      ];
      const before = severity[await decide(given)];
      for (const each of worse) assert.ok(severity[await decide(each)] >= before);
    }),
    { numRuns: 60 },
  );
});

test('after untrusted data was read, nothing acts on a value that only a third party or the model wrote', async () => {
  const engine = createPolicyEngine({ source: singleSource(await readRules()) });
  await fc.assert(
    fc.asyncProperty(facts, fc.constantFrom(3, 4), async (given, bad) => {
      fc.pre(given.effect !== 'none' || given.egress);
      const tainted = { ...given, isUntrusted: true, origins: [...given.origins, bad] };
      assert.notEqual((await engine.decide(requestOf(tainted))).effect, 'allow');
    }),
    { numRuns: 60 },
  );
});

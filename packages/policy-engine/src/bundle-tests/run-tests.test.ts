import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRuleSet } from '../rule-set.ts';
import type { RuleSet } from '../rule-set.ts';
import { readBundleContent } from './bundle-content.ts';
import { printTestReport } from './print-report.ts';
import { runBundleTests } from './run-tests.ts';
import type { TestReport } from './run-tests.ts';

const tool = {
  name: 'bank__pay',
  inputSchema: {
    type: 'object',
    properties: { amount: { type: 'integer' }, to: { type: 'string' } },
    required: ['amount', 'to'],
  },
  decisionArguments: ['to'],
  summedArguments: ['amount'],
};
const authorize = `@id("pay") @message("clerks may pay")
permit (principal, action == ModelHost::Action::"bank__pay", resource);
@id("pay.big") @message("much money needs a lead")
@remedy("approval") @approvers("lead") @quorum("2")
forbid (principal, action == ModelHost::Action::"bank__pay", resource)
when { context.arguments.amount > 100 } unless { context has approval };
@id("pay.day") @message("not so much in a day")
forbid (principal, action == ModelHost::Action::"bank__pay", resource)
when { context.history.sums.amount.day > 1000 };
`;
const oblige = `@id("hide") @message("account numbers stay out of the logs")
@oblige("redact") @arguments("to")
permit (principal, action == ModelHost::Action::"bank__pay", resource);
@id("tell") @message("somebody should look")
@oblige("notify") @channel("security")
permit (principal, action == ModelHost::Action::"bank__pay", resource)
when { context.arguments.amount > 100 };
`;
const files = [
  { name: 'authorize.cedar', text: authorize },
  { name: 'oblige.cedar', text: oblige },
  { name: 'tools.json', text: JSON.stringify([tool]) },
];

function ruleSetOf(scope: RuleSet['source']['scope'] = 'platform'): RuleSet {
  const { rules, tools } = readBundleContent(files);
  return readRuleSet({ name: 'bank', scope, revision: 1, digest: 'd', files: rules, tools });
}

async function run(tests: string, scope?: RuleSet['source']['scope']): Promise<TestReport> {
  const content = readBundleContent([...files, { name: 'tests/pay.yaml', text: tests }], scope);
  return runBundleTests(ruleSetOf(scope), content.tests);
}

const pay = (amount: number): string => `tool: bank__pay, arguments: { amount: ${amount}, to: x }`;
const good = `
- name: a clerk pays a little
  given: { ${pay(5)} }
  expect: { effect: allow, reasons: [pay], obligations: { redact: { arguments: [to] }, notify: [] } }
- name: a lead has to agree to much
  given: { ${pay(101)} }
  expect:
    effect: hold
    reasons: [pay.big]
    remedies: [approval]
    gates: [{ approvers: [lead], quorum: 2 }]
    obligations: { notify: [security] }
- name: two leads agree
  given: { ${pay(101)}, approval: { votes: [{ subject: bob, roles: [lead] }, { subject: cleo, roles: [lead] }] } }
  expect: { effect: allow }
- name: leads agreed to another call
  given: { ${pay(101)}, approval: { call: other, votes: [{ subject: bob, roles: [lead] }, { subject: cleo, roles: [lead] }] } }
  expect: { effect: hold }
- name: enough for a day
  given: { ${pay(5)}, history: { sums: { amount: { day: 1001 } } } }
  expect: { effect: deny, reasons: [pay.day] }
`;

test('a bundle whose tests all hold, and hit every rule of both sets, passes', async () => {
  const report = await run(good);
  assert.deepEqual(
    report.tests.flatMap(({ name, problems }) => problems.map((line) => `${name}: ${line}`)),
    [],
  );
  assert.deepEqual([report.isPassed, report.neverHit, report.ruleCount], [true, [], 5]);
  assert.equal(
    printTestReport(report),
    `tests/pay.yaml
  ✔ a clerk pays a little
  ✔ a lead has to agree to much
  ✔ two leads agree
  ✔ leads agreed to another call
  ✔ enough for a day

5 tests, all passed; 5 of 5 rules hit
`,
  );
});

test('of a bundle that is refused only the tests that failed are shown', async () => {
  const wrong = `- name: never so\n  given: { ${pay(5)} }\n  expect: { effect: deny }\n`;
  const report = await run(`${good}${wrong}`);
  const shown = printTestReport(report, 'failed');
  assert.ok(!shown.includes('✔'), shown);
  assert.match(shown, /^tests\/pay\.yaml\n  ✖ never so/);
  assert.match(shown, /6 tests, 1 failed; 5 of 5 rules hit\n$/);
});

test('what is not as expected is told by its path, with what it is', async () => {
  const report = await run(`
- name: wrong in every way
  given: { ${pay(101)} }
  expect:
    effect: allow
    reasons: [pay]
    remedies: [wait]
    gates: [{ quorum: 1, approvers: [lead] }]
    obligations: { redact: { arguments: [], detectors: { email: mask } }, limits: { timeoutMsMax: 5 }, audit: full }
- name: one gate too many
  given: { ${pay(101)} }
  expect: { effect: hold, gates: [{}, {}] }
`);
  assert.equal(report.isPassed, false);
  assert.equal(
    printTestReport(report),
    `tests/pay.yaml
  ✖ wrong in every way  (tests/pay.yaml:2)
      effect: expected allow, but it is hold: pay.big (much money needs a lead)
      reasons[0]: expected "pay", but it is "pay.big"
      remedies[0]: expected "wait", but it is "approval"
      gates[0].quorum: expected 1, but it is 2
      obligations.redact.detectors.email: expected "mask", but there is none
      obligations.redact.arguments: expected [], but it is ["to"]
      obligations.limits.timeoutMsMax: expected 5, but there is none
      obligations.audit: expected "full", but it is "standard"
  ✖ one gate too many  (tests/pay.yaml:10)
      gates: expected [{},{}], but it is [{"approvers":["lead"],"isSelfApprovalAllowed":false,"quorum":2}]

No test ever hits these rules; write one for each:
  pay.day  authorize.cedar:7:1

2 tests, 2 failed; 4 of 5 rules hit
`,
  );
});

test('a rule that no test hits fails the bundle, though every test passes', async () => {
  const report = await run(`- { name: little, given: { ${pay(5)} }, expect: { effect: allow } }`);
  assert.equal(report.isPassed, false);
  assert.equal(
    printTestReport(report),
    `tests/pay.yaml
  ✔ little

No test ever hits these rules; write one for each:
  pay.big  authorize.cedar:3:1
  pay.day  authorize.cedar:7:1
  tell     oblige.cedar:4:1

1 test, all passed; 2 of 5 rules hit
`,
  );
  const without = await run('');
  assert.deepEqual([without.isPassed, without.neverHit.length], [false, 5]);
});

test('in the bundle of a tenant whoever asks is of that tenant', async () => {
  assert.equal((await run(good, { tenant: 'beta' })).isPassed, true);
});

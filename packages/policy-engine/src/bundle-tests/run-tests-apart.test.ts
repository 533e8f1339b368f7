import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuleSetSource } from '../rule-set.ts';
import { readRuleSet } from '../rule-set.ts';
import { readBundleContent } from './bundle-content.ts';
import { runBundleTests } from './run-tests.ts';
import { runBundleTestsApart } from './run-tests-apart.ts';

const rule =
  '@id("inputs") @message("m") permit (principal, action == ModelHost::Action::"AcceptInput", resource) when { context.inputBytes <= 5 };';
const tests = Array.from(
  { length: 60 },
  (_none, at) =>
    `- { name: t${at}, given: { action: AcceptInput, bytes: ${at} }, expect: { effect: allow } }`,
).join('\n');
const content = readBundleContent([
  { name: 'authorize.cedar', text: rule },
  { name: 'tests/a.yaml', text: tests },
]);

function sourceOf(files: RuleSetSource['files']): RuleSetSource {
  return { name: 'x', scope: 'platform', revision: 1, digest: 'd', files, tools: [] };
}

test('in a thread of their own tests go as they go here', async () => {
  const source = sourceOf(content.rules);
  const report = await runBundleTestsApart(source, content.tests);
  assert.deepEqual(report, await runBundleTests(readRuleSet(source), content.tests));
  assert.equal(report.tests.filter(({ problems }) => problems.length > 0).length, 54);
});

test('what the thread cannot work with, or not in time, is refused', async () => {
  const broken = sourceOf([{ name: 'authorize.cedar', text: 'permit' }]);
  await assert.rejects(runBundleTestsApart(broken, content.tests), {
    code: 'config_invalid',
    message: /^tests: authorize\.cedar:1:/,
  });
  await assert.rejects(
    runBundleTestsApart(sourceOf(content.rules), content.tests, { timeoutMs: 1 }),
    { code: 'config_invalid', message: /^tests: they took more than 1 ms/ },
  );
  const reason = new Error('no more');
  const controller = new AbortController();
  const { signal } = controller;
  const running = runBundleTestsApart(sourceOf(content.rules), content.tests, { signal });
  controller.abort(reason);
  await assert.rejects(running, (thrown) => thrown === reason);
  await assert.rejects(runBundleTestsApart(broken, [], { signal }), (thrown) => thrown === reason);
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { judge, type Run } from './judge.ts';
import type { Scenario } from './suite.ts';

function scenario(name: string, more: Partial<Scenario> = {}): Scenario {
  const judged = { passed: 1, failed: 0, isRequired: true, startedAtMs: 0, problems: [] };
  return { name, ...judged, ...more };
}

function runOf(scenarios: readonly Scenario[], more: Partial<Run> = {}): Run {
  return {
    name: 'modern-http',
    mode: 'server',
    revision: '2025-11-25',
    missing: [],
    seconds: 1,
    output: '',
    scenarios,
    ...more,
  };
}

function required(count: number): readonly Scenario[] {
  return Array.from({ length: count }, (_, index) => scenario(`scenario-${index}`));
}

suite('the judgement of a run', () => {
  test('a run that passes everything that is required has no problem', () => {
    assert.deepEqual(judge(runOf(required(30))), []);
    const others = [scenario('auth/dpop', { isRequired: false, failed: 3 })];
    assert.deepEqual(judge(runOf([...required(18), ...others], { mode: 'client' })), []);
  });

  test('a suite that runs fewer scenarios than it should does not pass', () => {
    assert.deepEqual(judge(runOf(required(29))), ['29 of 30 scenarios were run']);
    assert.deepEqual(judge(runOf([])), ['0 of 30 scenarios were run']);
  });

  test('a failure is told with its reasons, and so is a request that did not arrive', () => {
    const failed = scenario('ping', { failed: 1, problems: ['ping: no answer'] });
    const missing = ['tools-call-image: tools/call test_image_content did not reach the upstream'];
    const problems = judge(runOf([...required(29), failed], { missing }));
    assert.deepEqual(problems, ['ping: ping: no answer', ...missing]);
  });

  test('of what is not required, only what the gateway is known to pass may not fail', () => {
    const known = scenario('server-sse-polling', { isRequired: false, failed: 1 });
    assert.deepEqual(judge(runOf([...required(30), known])), ['server-sse-polling failed']);
    const unknown = scenario('something-new', { isRequired: false, failed: 1 });
    assert.deepEqual(judge(runOf([...required(30), unknown])), []);
  });

  test('nine scenarios for tasks have to pass, and one that checks nothing is none of them', () => {
    const tasks = (checked: number) =>
      Array.from({ length: 10 }, (_, index) =>
        scenario(`tasks-${index}`, { isRequired: false, passed: index < checked ? 2 : 0 }),
      );
    const judged = (checked: number) =>
      judge(runOf([...required(37), ...tasks(checked)], { revision: '2026-07-28' }));
    assert.deepEqual(judged(9), []);
    assert.deepEqual(judged(8), ['8 of 10 scenarios for tasks passed; at least 9']);
  });
});

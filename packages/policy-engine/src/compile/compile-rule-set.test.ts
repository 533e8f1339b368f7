import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { uid } from '../entity-uid.ts';
import { callRequest, toolOf } from '../fixtures/requests.ts';
import { createPolicyEngine } from '../policy-engine.ts';
import { readRuleSet, singleSource } from '../rule-set.ts';
import type { RuleSetSource } from '../rule-set.ts';
import { checkPolicyTextApart, compileRuleSet, explainApart } from './compile-rule-set.ts';

const tool = toolOf({ amount: { type: 'integer' } }, { name: 'bank__pay', server: 'bank' });
const call = 'action in ModelHost::Action::"CallTool"';

function sourceOf(text: string, oblige = ''): RuleSetSource {
  return {
    name: 'bank',
    scope: { tenant: 'acme' },
    revision: 7,
    digest: 'digest',
    files: [
      { name: 'authorize.cedar', text },
      { name: 'oblige.cedar', text: oblige },
    ],
    tools: [tool],
  };
}

function isInvalid(pattern: RegExp): (thrown: unknown) => boolean {
  return (thrown) => {
    assert.ok(thrown instanceof HostError && thrown.code === 'config_invalid');
    assert.match(thrown.message, pattern);
    return true;
  };
}

suite('compiling rules in a worker', () => {
  test('gives what reading them here gives', async () => {
    const rules = Array.from(
      { length: 60 },
      (_, place) =>
        `@id("r${place}") @message("é") permit (principal in ModelHost::Role::"acme/${place % 3}", ${call}, resource) when { context.arguments.amount < ${place} };`,
    );
    const source = sourceOf(
      rules.join('\n'),
      `@id("o") @oblige("redact") @detectors("iban") permit (principal, ${call}, resource);`,
    );
    const compiled = await compileRuleSet(source);
    const read = readRuleSet(source);
    assert.deepEqual(compiled.source, read.source);
    assert.deepEqual(compiled.warnings, []);
    for (const part of ['authorize', 'oblige'] as const) {
      assert.deepEqual(compiled[part].rules, read[part].rules);
      const query = {
        actions: ['bank__pay', 'CallTool'],
        principal: uid('User', 'acme/ann'),
        principalParents: [uid('Role', 'acme/1')],
        resource: uid('Tool', 'bank__pay'),
        resourceParents: [uid('ToolServer', 'bank')],
      };
      assert.deepEqual(compiled[part].candidates(query), read[part].candidates(query));
    }
    assert.equal(compiled.authorize.rules.length, 60);
  });

  test('keeps warnings, and refuses what is wrong with its place and the number of others', async () => {
    const unknown =
      '@id("u") permit (principal, action == ModelHost::Action::"bank__pya", resource);';
    const { warnings } = await compileRuleSet(sourceOf(unknown));
    assert.deepEqual(
      warnings.map(({ severity, line }) => [severity, line]),
      [['warning', 1]],
    );
    const wrong = `@id("w") permit (principal, ${call}, resource) when { context.amount < 1 };`;
    await assert.rejects(
      compileRuleSet(sourceOf(`${unknown}\n${wrong}\n${wrong.replace('"w"', '"v"')}`)),
      isInvalid(
        /^authorize\.cedar:2:\d+: rule "w" does not fit the action bank__pay: .*\(and 1 more\)$/,
      ),
    );
  });

  test('tells all problems of text that is only checked', async () => {
    const { files, tools } = sourceOf('permit (principal, action, resource);\nwhat;');
    const problems = await checkPolicyTextApart(files, tools);
    assert.deepEqual(
      problems.map(({ file, line, column }) => `${file}:${line}:${column}`),
      ['authorize.cedar:1:1', 'authorize.cedar:2:5'],
    );
  });

  test('explains what rules would say as they do here, and refuses those that are wrong', async () => {
    const few = `@id("few") permit (principal, ${call}, resource) when { context.arguments.amount < 9 };`;
    const source = sourceOf(few);
    const engine = createPolicyEngine({ source: singleSource(readRuleSet(source)) });
    for (const amount of [5, 50]) {
      const request = callRequest(tool, { amount });
      const explanation = await explainApart(source, request);
      assert.deepEqual(explanation, await engine.explain(request));
      assert.equal(explanation.decision.effect, amount < 9 ? 'allow' : 'deny');
    }
    await assert.rejects(
      explainApart(sourceOf('permit'), callRequest(tool, { amount: 1 })),
      isInvalid(/^authorize\.cedar:1:/),
    );
  });

  test('ends with its caller, at its deadline, and when memory runs out', async () => {
    const source = sourceOf(`@id("r") permit (principal, ${call}, resource);`);
    const gone = new AbortController();
    const compiling = compileRuleSet(source, { signal: gone.signal });
    gone.abort(new Error('left'));
    await assert.rejects(compiling, /^Error: left$/);
    await assert.rejects(compileRuleSet(source, { signal: gone.signal }), /^Error: left$/);
    await assert.rejects(
      compileRuleSet(source, { timeoutMs: 1 }),
      isInvalid(/^policies: they took more than 1 ms; make them fewer or simpler$/),
    );
    await assert.rejects(
      explainApart(source, callRequest(tool, { amount: 1 }), { timeoutMs: 1 }),
      isInvalid(/^policies: they took more than 1 ms/),
    );
    await assert.rejects(
      compileRuleSet(source, { heapMiBMax: 3 }),
      isInvalid(/^policies: compiling them takes more than 3 MiB; /),
    );
  });
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { sharedCedar } from '../cedar-runtime.ts';
import { toolOf } from '../fixtures/requests.ts';
import { checkPolicyText } from './check-policy-text.ts';
import { readAllRules } from './read-all-rules.ts';

const write = toolOf({ path: { type: 'string' } }, { name: 'fs__write', server: 'fs' });
const pay = toolOf({ amount: { type: 'integer' } }, { name: 'bank__pay', server: 'bank' });
const tools = [write, pay];
const call = 'action in ModelHost::Action::"CallTool"';

function check(text: string, name = 'authorize.cedar'): readonly string[] {
  return checkPolicyText([{ name, text }], tools).map(
    ({ file, line, column, severity, message, remedy }) =>
      `${severity} ${file}:${line}:${column}: ${message}; ${remedy}`,
  );
}

/** A rule, and what is said of it. */
const cases: readonly (readonly [string, string, readonly RegExp[]])[] = [
  ['nothing', '', []],
  ['a rule that fits', `@id("r") permit (principal, ${call}, resource);`, []],
  [
    'a wrong name in a condition, where it stands',
    `@id("r")\npermit (principal, ${call}, resource)\nwhen {\n  context.labels.untrustd };`,
    [
      /^error authorize\.cedar:4:3: rule "r" does not fit the action fs__write, bank__pay: .*untrustd/,
    ],
  ],
  [
    'an argument that not all tools have',
    `@id("r") permit (principal, ${call}, resource) when { context.arguments.amount < 5 };`,
    [/^error .*:1:\d+: rule "r" does not fit the action fs__write: .*amount/],
  ],
  [
    'an argument of the one tool that the head leaves',
    `@id("a") permit (principal, ${call}, resource == ModelHost::Tool::"bank__pay") when { context.arguments.amount < 5 };
     @id("b") permit (principal, ${call}, resource in ModelHost::ToolServer::"bank") when { context.arguments.amount < 5 };
     @id("c") permit (principal, ${call}, resource is ModelHost::Tool in ModelHost::ToolServer::"bank") when { context.arguments.amount < 5 };`,
    [],
  ],
  [
    'a condition that can never hold',
    `@id("r") forbid (principal, ${call}, resource) when { resource is ModelHost::Model };`,
    [/^error authorize\.cedar:1:\d+: rule "r" .*impossible/],
  ],
  [
    'a condition that can never hold for some actions, but holds for others',
    '@id("r") forbid (principal, action, resource) when { resource is ModelHost::Tool };',
    [],
  ],
  [
    'a rule about one tool beside those about others',
    `@id("a") permit (principal, action == ModelHost::Action::"bank__pay", resource) when { context.arguments.amount < 5 };
     @id("b") permit (principal, action == ModelHost::Action::"fs__write", resource) when { context.arguments.amount < 5 };
     @id("c") permit (principal, action == ModelHost::Action::"UseModel", resource) when { context.inputTokens < 5 };`,
    [/^error authorize\.cedar:2:\d+: rule "b" does not fit the action fs__write: .*amount/],
  ],
  [
    'a tool that is not known',
    '@id("r") permit (principal, action == ModelHost::Action::"fs__wirte", resource);',
    [/^warning authorize\.cedar:1:1: rule "r" is about fs__wirte, .*; correct the name, or bring/],
  ],
];

suite('checking the text of policies', () => {
  for (const [title, text, expected] of cases) {
    test(`finds ${expected.length === 0 ? 'nothing wrong with' : 'what is wrong with'} ${title}`, () => {
      const found = check(text);
      assert.equal(found.length, expected.length, found.join('\n'));
      for (const [place, pattern] of expected.entries()) assert.match(found[place] ?? '', pattern);
    });
  }

  test('tells everything that is wrong, in the order of files and places', () => {
    const files = [
      {
        name: 'authorize/b.cedar',
        text: `@id("x") permit (principal, ${call}, resource) when { context.nothing };
@id("y") whatever;
permit (principal, action, resource);`,
      },
      {
        name: 'oblige.cedar',
        text: `@id("x") @oblige("dance") permit (principal, ${call}, resource);
@id("z") @oblige("audit") @level("full") permit (principal, ${call}, resource) when { context.nowhere };`,
      },
      { name: 'deep/er/c.cedar', text: '' },
      { name: 'notes.md', text: 'no rules' },
    ];
    const places = checkPolicyText(files, tools).map(
      ({ file, line, column, severity }) => `${severity} ${file}:${line}:${column}`,
    );
    assert.deepEqual(places, [
      'error authorize/b.cedar:1:87',
      'error authorize/b.cedar:2:18',
      'error authorize/b.cedar:3:1',
      'error oblige.cedar:1:1',
      'error oblige.cedar:2:119',
      'error deep/er/c.cedar:0:0',
    ]);
  });

  test('finds one @id in both parts', () => {
    const files = [
      { name: 'authorize.cedar', text: `@id("x") permit (principal, ${call}, resource);` },
      {
        name: 'oblige.cedar',
        text: `@id("x") @oblige("audit") @level("full") permit (principal, ${call}, resource);`,
      },
    ];
    const [problem, ...others] = checkPolicyText(files, tools);
    assert.equal(others.length, 0);
    assert.equal(problem?.file, 'oblige.cedar');
    assert.match(problem.message, /stands at authorize\.cedar:1:1 already/);
  });

  test('goes on where a tool has a name or a schema that no rule can be about', () => {
    const odd = [
      toolOf({ a: { type: 'string' } }, { name: 'CallTool' }),
      toolOf({ a: { type: 'string' } }, { name: 'UseModel' }),
      toolOf({ a: { type: 'string' } }, { name: '\uD800' }),
      toolOf({ '\uD800': { type: 'string' }, __extn: { type: 'string' } }, { name: 'odd' }),
      toolOf({}, { name: 'sums', summedArguments: ['\uD800'] }),
    ];
    const text = `@id("r") permit (principal, ${call}, resource) when { context.labels.untrusted };`;
    assert.deepEqual(checkPolicyText([{ name: 'a.cedar', text }], [...tools, ...odd]), []);
  });

  test('never throws, whatever the text is', () => {
    const pieces = [
      'permit',
      'forbid',
      '(principal, action, resource)',
      ' when {',
      '}',
      ';',
      '@id("a")',
    ];
    const someText = fc
      .array(fc.oneof(fc.string(), fc.constantFrom(...pieces, '"', '(', '//', '\n', '\uD800')))
      .map((parts) => parts.join(' '));
    fc.assert(
      fc.property(someText, (text) => {
        const { problems } = readAllRules([{ name: 'a.cedar', text }], [], sharedCedar);
        assert.ok(problems.every(({ file, message }) => file === 'a.cedar' && message !== ''));
      }),
    );
  });

  test('says nothing of tools when none are known', () => {
    const text = `@id("r") permit (principal, action == ModelHost::Action::"x", resource) when { context.arguments.y };`;
    assert.deepEqual(checkPolicyText([{ name: 'a.cedar', text }], []), []);
  });
});

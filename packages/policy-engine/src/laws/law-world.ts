import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { RuleSetPart } from '../annotations.ts';
import { sharedCedar } from '../cedar-runtime.ts';
import type { ObligationFeature, SupportedObligations } from '../obligations.ts';
import { joinObligations } from '../obligations.ts';
import { leanQuestion } from '../index/lean-question.ts';
import { createRuleIndex } from '../index/rule-index.ts';
import type { RuleIndex } from '../index/rule-index.ts';
import { createEngine } from '../policy-engine.ts';
import type { DecisionPoint, EngineParts } from '../policy-engine.ts';
import type { RuleSet } from '../rule-set.ts';
import { readRules } from '../rules.ts';
import type { Rule } from '../rules.ts';
import { ofAnything, ofMemory, ofResults, ofTools, someCondition } from './law-conditions.ts';

/** Rules of a generated rule set. The id is a part of the text. */
export interface LawRules {
  readonly authorize: readonly LawRule[];
  readonly oblige: readonly LawRule[];
}

/** One rule as text, and whether it permits. */
export interface LawRule {
  readonly id: string;
  readonly isPermit: boolean;
  readonly text: string;
}

/** A decision point to be judged by the laws. A mutant is one with a bug. */
export interface World {
  pointOf(sets: readonly LawRules[]): DecisionPoint;
  readonly join: EngineParts['join'];
}

const everything: readonly ObligationFeature[] = [
  'redact.detectors',
  'redact.arguments',
  'limits.maxOutputTokens',
  'limits.resultBytesMax',
  'limits.timeoutMsMax',
  'transforms',
  'labels',
  'audit',
  'notify',
];

const allSupported: SupportedObligations = {
  AcceptInput: everything,
  UseModel: everything,
  ListTool: everything,
  CallTool: everything,
  AcceptToolResult: everything,
  EmitOutput: everything,
  ReadMemory: everything,
  WriteMemory: everything,
  ForgetMemory: everything,
};

/** Makes a world of engine parts; `spoil` changes what an index finds. */
export function worldOf(
  parts: EngineParts,
  spoil: (index: RuleIndex) => RuleIndex = (index) => index,
  supported: SupportedObligations = allSupported,
): World {
  return {
    join: parts.join,
    pointOf: (sets) => {
      const ruleSets = sets.map((rules, index) => ruleSetOf(rules, index, spoil));
      return createEngine({ source: { rulesFor: () => ruleSets }, supported }, parts);
    },
  };
}

/** Decides anew each time and keeps nothing: what the laws compare with. */
export const forgetful: World = worldOf({
  cedar: sharedCedar,
  evaluate: (policies, question, reads) =>
    sharedCedar.evaluate(policies, leanQuestion(question, reads)),
  join: joinObligations,
});

/** The first set is the platform's, the others are of the tenant. */
function ruleSetOf(
  { authorize, oblige }: LawRules,
  index: number,
  spoil: (index: RuleIndex) => RuleIndex,
): RuleSet {
  const scope = index === 0 ? 'platform' : { tenant: 'acme' };
  const indexOf = (rules: readonly LawRule[], part: RuleSetPart): RuleIndex =>
    spoil(createRuleIndex(readLawRules(rules, part)));
  return {
    source: { name: `set-${String(index)}`, scope, revision: 1, digest: 'digest', tools: [] },
    authorize: indexOf(authorize, 'authorize'),
    oblige: indexOf(oblige, 'oblige'),
  };
}

const rulesRead = new WeakMap<LawRule, Rule>();

/** The rules as the engine has them; each is read once, however many sets it is in. */
export function readLawRules(rules: readonly LawRule[], part: RuleSetPart): readonly Rule[] {
  return rules.map((rule) => {
    const known = rulesRead.get(rule);
    if (known !== undefined) return known;
    const [read] = readRules([{ name: 'a.cedar', text: rule.text }], part, sharedCedar);
    assert.ok(read);
    rulesRead.set(rule, read);
    return read;
  });
}

const action = (id: string): string => `ModelHost::Action::"${id}"`;

const somePrincipal = fc.constantFrom(
  'principal',
  'principal',
  'principal is ModelHost::User',
  'principal is ModelHost::Agent',
  'principal == ModelHost::User::"acme/ann"',
  'principal == ModelHost::User::"acme/Ann"',
  'principal in ModelHost::Role::"acme/staff"',
  'principal in ModelHost::Tenant::"acme"',
);

interface Head {
  readonly action: string;
  readonly resource: string;
  readonly condition: string;
}

const anyHead: fc.Arbitrary<Head> = fc.record({
  action: fc.constantFrom('action', `action in [${action('UseModel')}, ${action('EmitOutput')}]`),
  resource: fc.constant('resource'),
  condition: fc.constantFrom(...ofAnything),
});

const toolHead: fc.Arbitrary<Head> = fc.record({
  action: fc.constantFrom(
    `action in ${action('CallTool')}`,
    `action in ${action('CallTool')}`,
    `action == ${action('s__act')}`,
    `action in [${action('s__act')}, ${action('t__act')}]`,
  ),
  resource: fc.constantFrom(
    'resource',
    'resource',
    'resource == ModelHost::Tool::"s__act"',
    'resource in ModelHost::ToolServer::"s"',
    'resource is ModelHost::Tool in ModelHost::ToolServer::"t"',
  ),
  condition: fc.oneof(fc.constantFrom(...ofAnything, ...ofTools, ...ofTools), someCondition),
});

const memoryHead: fc.Arbitrary<Head> = fc.record({
  action: fc.constantFrom(`action in ${action('Memory')}`, `action == ${action('ReadMemory')}`),
  resource: fc.constantFrom(
    'resource',
    'resource in ModelHost::Tenant::"acme"',
    'resource == ModelHost::MemoryNamespace::"acme/notes"',
  ),
  condition: fc.constantFrom(...ofMemory),
});

const contentHead: fc.Arbitrary<Head> = fc.oneof(
  fc.record({
    action: fc.constant(`action in ${action('Content')}`),
    resource: fc.constantFrom(
      'resource',
      'resource is ModelHost::Agent',
      'resource == ModelHost::Channel::"output"',
      'resource is ModelHost::Tool in ModelHost::ToolServer::"s"',
    ),
    condition: fc.constantFrom(...ofAnything),
  }),
  fc.record({
    action: fc.constant(`action == ${action('AcceptToolResult')}`),
    resource: fc.constantFrom('resource', 'resource in ModelHost::ToolServer::"t"'),
    condition: fc.constantFrom(...ofResults),
  }),
);

const someHead = fc.oneof(
  { weight: 2, arbitrary: anyHead },
  { weight: 4, arbitrary: toolHead },
  memoryHead,
  contentHead,
);

const someRule = fc.record({
  isPermit: fc.constantFrom(true, true, true, false),
  remedy: fc.constantFrom(
    '',
    '@remedy("approval")',
    '@remedy("approval") @quorum("2") @self_approval("allowed")',
    '@remedy("wait")',
  ),
  principal: somePrincipal,
  head: someHead,
  isGate: fc.boolean(),
});

const someDemand = fc.record({
  demand: fc.constantFrom(
    '@oblige("redact") @detectors("card,email") @style("hash")',
    '@oblige("redact") @detectors("email")',
    '@oblige("redact") @arguments("path")',
    '@oblige("redact") @arguments("note")',
    '@oblige("limit") @result_bytes_max("100")',
    '@oblige("limit") @result_bytes_max("200") @timeout_ms_max("5")',
    '@oblige("transform") @op("strip_links")',
    '@oblige("label") @label("pii")',
    '@oblige("audit") @level("full")',
    '@oblige("notify") @channel("ops")',
  ),
  principal: somePrincipal,
  head: someHead,
});

/** A few rules that often meet. `prefix` keeps the ids of two sets apart. */
export function someRules(prefix = 'r'): fc.Arbitrary<LawRules> {
  return fc
    .record({
      authorize: fc.array(someRule, { maxLength: 7 }),
      oblige: fc.array(someDemand, { maxLength: 4 }),
    })
    .map(({ authorize, oblige }) => ({
      authorize: authorize.map(({ isPermit, remedy, principal, head, isGate }, index) => {
        const id = `${prefix}${String(index)}`;
        const annotation = isPermit ? '' : remedy;
        const unless = isGate && !isPermit ? 'unless { context has approval }' : '';
        const effect = isPermit ? 'permit' : 'forbid';
        return {
          id,
          isPermit,
          text: `@id("${id}") ${annotation} ${effect} ${bodyOf(principal, head)} ${unless};`,
        };
      }),
      oblige: oblige.map(({ demand, principal, head }, index) => {
        const id = `${prefix}-o${String(index)}`;
        return {
          id,
          isPermit: true,
          text: `@id("${id}") ${demand} permit ${bodyOf(principal, head)};`,
        };
      }),
    }));
}

/** Permits that each look at one thing, so that any change of it shows in the reasons. */
export const someReaders: fc.Arbitrary<LawRules> = fc
  .uniqueArray(fc.constantFrom(...ofAnything, ...ofTools), { minLength: 6, maxLength: 12 })
  .map((conditions) => ({
    authorize: conditions
      .filter((condition) => !condition.includes(' * '))
      .map((condition, index) => {
        const id = `r${String(index)}`;
        const head = { action: `action in ${action('CallTool')}`, resource: 'resource', condition };
        return { id, isPermit: true, text: `@id("${id}") permit ${bodyOf('principal', head)};` };
      }),
    oblige: [],
  }));

function bodyOf(principal: string, head: Head): string {
  return `(${principal}, ${head.action}, ${head.resource}) when { ${head.condition} }`;
}

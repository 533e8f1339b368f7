import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { PolicyRequest } from '@modelhost/kernel';
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
import { callRequest, modelRequest, nowMs, requestOf, toolOf } from '../fixtures/requests.ts';
import { ofAnything, ofTools, someCondition } from './law-conditions.ts';

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

const someRule = fc.record({
  isPermit: fc.constantFrom(true, true, true, false),
  remedy: fc.constantFrom(
    '',
    '@remedy("approval")',
    '@remedy("approval") @quorum("2") @self_approval("allowed")',
    '@remedy("wait")',
  ),
  principal: somePrincipal,
  head: fc.oneof(anyHead, toolHead, toolHead),
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
  head: fc.oneof(anyHead, toolHead),
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

/** What a generated request is made of: each member can be changed by itself. */
export interface Parts {
  readonly target: 's' | 't' | 'm' | 'output';
  readonly subject: string;
  readonly roles: readonly string[];
  readonly path: string;
  readonly count: number;
  readonly note: string | undefined;
  readonly effect: 'none' | 'irreversible';
  readonly isUntrusted: boolean;
  readonly callsInFlight: number;
  readonly costMicroUsd: number;
  readonly dayTotal: number;
  readonly isDelegated: boolean;
  readonly voters: readonly string[];
  readonly origin: 'prompt' | 'model' | undefined;
  readonly nowMs: number;
  readonly callDigest: string;
}

const ofParts: { readonly [Name in keyof Parts]: fc.Arbitrary<Parts[Name]> } = {
  target: fc.constantFrom('s', 's', 't', 'm', 'output'),
  subject: fc.constantFrom('ann', 'Ann'),
  roles: fc.constantFrom([], ['staff'], ['Staff', 'other']),
  path: fc.constantFrom('a', 'ab', 'A', 'b'),
  count: fc.constantFrom(0, 1, 2),
  note: fc.constantFrom(undefined, ''),
  effect: fc.constantFrom('none', 'irreversible'),
  isUntrusted: fc.boolean(),
  callsInFlight: fc.constantFrom(1, 2),
  costMicroUsd: fc.constantFrom(5, 5, 5, 6),
  dayTotal: fc.constantFrom(2, 3),
  isDelegated: fc.boolean(),
  voters: fc.constantFrom([], [], ['bob'], ['ann', 'bob'], ['bob', 'bob']),
  origin: fc.constantFrom(undefined, 'prompt', 'model'),
  nowMs: fc.constantFrom(nowMs, nowMs + 1_000),
  callDigest: fc.constantFrom('digest-1', 'digest-1', 'digest-2'),
};

const parts: fc.Arbitrary<Parts> = fc.record(ofParts);

/** Any request. */
export const someRequest: fc.Arbitrary<PolicyRequest> = parts.map(toRequest);

// The object is ours, so its keys are exactly the members.
const partNames = Object.keys(ofParts) as (keyof Parts)[];
/** What is not in the context is what is most easily forgotten. */
const somePart = fc.oneof(fc.constantFrom(...partNames), fc.constantFrom('effect', 'roles'));

/** Two requests that differ in one member alone. */
export const nearMiss: fc.Arbitrary<readonly [PolicyRequest, PolicyRequest]> = fc
  .tuple(parts, parts, somePart)
  .map(([one, other, name]) => [toRequest(one), toRequest({ ...one, [name]: other[name] })]);

function toRequest(some: Parts): PolicyRequest {
  const { target, path, count, note, effect, voters, origin, dayTotal } = some;
  const votes = voters.map((subject) => ({ subject, roles: [] }));
  const change = {
    subject: some.subject,
    roles: some.roles,
    nowMs: some.nowMs,
    callDigest: some.callDigest,
    costMicroUsd: some.costMicroUsd,
    isDelegated: some.isDelegated,
    labels: some.isUntrusted ? ({ integrity: 'untrusted', sources: ['s'] } as const) : {},
    history: {
      callsInFlight: some.callsInFlight,
      sums: { count: { run: count, day: dayTotal } },
    },
    ...(voters.length === 0
      ? {}
      : { approval: { callDigest: 'digest-1', votes, expiresAtMs: nowMs + 500 } }),
    ...(origin === undefined
      ? {}
      : { evidence: { values: [{ path: 'path', origin, sources: [] }] } }),
  };
  if (target === 'm') return modelRequest('m', change);
  if (target === 'output') return requestOf('EmitOutput', { type: 'output' }, change);
  const tool = toolOf(
    { path: { type: 'string' }, count: { type: 'integer' }, note: { type: 'string' } },
    {
      name: `${target}__act`,
      server: target,
      effect,
      required: ['path', 'count'],
      summedArguments: ['count'],
    },
  );
  return callRequest(tool, { path, count, ...(note === undefined ? {} : { note }) }, change);
}

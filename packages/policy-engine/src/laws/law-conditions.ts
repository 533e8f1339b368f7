import fc from 'fast-check';

/** Conditions that fit every action. */
export const ofAnything: readonly string[] = [
  'true',
  'true',
  'context.labels.untrusted',
  '!context.labels.untrusted',
  'context.labels.sources.contains("s")',
  'context.history.callsInFlight > 1',
  'context.counters.costMicroUsd == 5',
  'context.delegated',
  'principal.tenant == ModelHost::Tenant::"acme"',
  'principal is ModelHost::User && principal in ModelHost::Role::"acme/staff"',
  // Too large a number from 6 on, so that the rule fails.
  'context.counters.costMicroUsd * 1844674407370955161 > 0',
];

/** Conditions that fit calls of the two tools alone. */
export const ofTools: readonly string[] = [
  'resource.effect == "none"',
  'resource.effect != "none"',
  'resource in ModelHost::ToolServer::"t"',
  'context.arguments.path == "a"',
  'context.arguments.path like "a*"',
  'context.arguments.count < 1',
  'context.arguments has note',
  'context.arguments.count * 9223372036854775807 > 1',
  'context has evidence && context.evidence.unendorsed.contains("path")',
  'context.history.sums.count.day > 2',
];

/** Conditions that fit memory alone. */
export const ofMemory: readonly string[] = [
  'resource has owner && resource.owner == principal',
  'resource has owner && resource.owner in ModelHost::Role::"acme/staff"',
  'resource has owner && resource.owner.tenant == principal.tenant',
  '!(resource has owner)',
  'resource in principal.tenant',
  'principal.tenant == resource.tenant && context.bytes > 1',
  'context.bytes == 1',
];

/** Conditions that fit results of tools alone. */
export const ofResults: readonly string[] = [
  'resource.integrity == "untrusted" && context.bytes > 1',
  'context.labels.confidentiality < resource.confidentiality',
  'resource.server == "s" || context.bytes == 2',
];

const numbers: readonly string[] = [
  '0',
  '1',
  '9223372036854775807',
  'context.arguments.count',
  'context.counters.costMicroUsd',
  'context.history.callsInFlight',
  'context.history.sums.count.day',
  'context.labels.confidentiality',
  'resource.clearance',
];

const texts: readonly string[] = [
  '"a"',
  '"s"',
  'context.arguments.path',
  'context.agent',
  'context.callDigest',
  'resource.server',
  'resource.effect',
];

const sets: readonly string[] = [
  'context.labels.sources',
  'context.labels.compartments',
  'context.history.toolsUsed',
  '["s", "a"]',
];

const entities: readonly string[] = [
  'principal == ModelHost::User::"acme/ann"',
  'principal in ModelHost::Tenant::"acme"',
  'principal.tenant == ModelHost::Tenant::"acme"',
  'principal in [ModelHost::Role::"acme/staff", ModelHost::Role::"acme/other"]',
  'principal is ModelHost::Agent',
  'principal is ModelHost::User in ModelHost::Role::"acme/Staff"',
  'resource == ModelHost::Tool::"s__act"',
  'resource in ModelHost::ToolServer::"s"',
  'action == ModelHost::Action::"t__act"',
  'action in ModelHost::Action::"CallTool"',
];

const wholes: readonly string[] = [
  'context.counters == {modelCalls: 1, toolCalls: 2, tokens: 70, costMicroUsd: 5}',
  '[context.arguments].contains(context.arguments)',
  'context.history.sums == {count: {run: 1, day: 2}}',
  'context.arguments has note && context.arguments.note == ""',
  'context has evidence && context.evidence.origins == ["model"]',
  'context has approval && context.approval.approvers.contains("bob")',
  'context has evidence.origins',
  'context.now < datetime("2026-11-23T10:00:01Z")',
  'context.now.toTime() >= duration("10h")',
  'context.now.offset(duration("1s")).durationSince(context.now) == duration("1s")',
  '[context.arguments.path, context.agent].contains("ab")',
  '{path: context.arguments.path, n: context.history.callsInFlight} == {path: "a", n: 1}',
  'resource.name like "s_*" && resource.egress',
];

interface Trees {
  readonly truth: string;
  readonly number: string;
}

/** Any condition about a call, put together from parts of all kinds. Some of them fail when they are asked. */
export const someCondition: fc.Arbitrary<string> = fc.letrec((tie: fc.LetrecTypedTie<Trees>) => ({
  truth: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...ofAnything, ...entities, ...wholes),
    fc
      .tuple(tie('number'), fc.constantFrom('<', '<=', '==', '!=', '>'), tie('number'))
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    fc
      .tuple(fc.constantFrom(...texts), fc.constantFrom('==', '!='), fc.constantFrom(...texts))
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    fc
      .tuple(fc.constantFrom(...texts), fc.constantFrom('a*', '*', 's\\*', '?ct'))
      .map(([text, pattern]) => `(${text} like "${pattern}")`),
    fc
      .tuple(
        fc.constantFrom(...sets),
        fc.constantFrom('containsAll', 'containsAny'),
        fc.constantFrom(...sets),
      )
      .map(([left, operator, right]) => `${left}.${operator}(${right})`),
    fc.constantFrom(...sets).map((set) => `${set}.isEmpty()`),
    tie('truth').map((inner) => `!(${inner})`),
    fc
      .tuple(tie('truth'), fc.constantFrom('&&', '||'), tie('truth'))
      .map(([left, operator, right]) => `((${left}) ${operator} (${right}))`),
    fc
      .tuple(tie('truth'), tie('truth'), tie('truth'))
      .map(([test, one, other]) => `(if (${test}) then (${one}) else (${other}))`),
  ),
  number: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...numbers),
    fc
      .tuple(tie('number'), fc.constantFrom('+', '-', '*'), tie('number'))
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    tie('number').map((inner) => `-(${inner})`),
    fc
      .tuple(tie('truth'), tie('number'), tie('number'))
      .map(([test, one, other]) => `(if (${test}) then ${one} else ${other})`),
  ),
})).truth;

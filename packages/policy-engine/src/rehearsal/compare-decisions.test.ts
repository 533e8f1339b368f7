import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noObligations, plainLabels } from '@modelhost/kernel';
import type { ApprovalGate, Decision, Obligations } from '@modelhost/kernel';
import fc from 'fast-check';
import { compareDecisions } from './compare-decisions.ts';

const gate: ApprovalGate = { approvers: ['lead'], quorum: 1, isSelfApprovalAllowed: false };

function decisionOf(
  effect: Decision['effect'],
  rules: readonly string[],
  change: {
    readonly obligations?: Partial<Obligations>;
    readonly gates?: readonly ApprovalGate[];
    readonly policyDigest?: string;
  } = {},
): Decision {
  const basis = {
    reasons: rules.map((rule) => ({ rule, message: '' })),
    obligations: { ...noObligations, ...change.obligations },
    policyDigest: change.policyDigest ?? 'policy-1',
    bundles: [],
  };
  if (effect !== 'hold') return { effect, ...basis };
  return { effect, remedies: ['approval'], gates: change.gates ?? [gate], ttlMs: 1, ...basis };
}

const decisions: fc.Arbitrary<Decision> = fc
  .record({
    effect: fc.constantFrom('allow' as const, 'deny' as const, 'hold' as const),
    rules: fc.subarray(['a', 'b', 'c', 'default-deny']),
    gates: fc.subarray([gate, { ...gate, quorum: 2 }, { ...gate, approvers: [] }]),
    compartments: fc.subarray(['pci', 'pii']),
    audit: fc.constantFrom('standard' as const, 'full' as const),
    style: fc.constantFrom('mask' as const, 'hash' as const),
  })
  .map(({ effect, rules, gates, compartments, audit, style }) =>
    decisionOf(effect, rules, {
      gates,
      obligations: {
        labels: { ...plainLabels, compartments },
        audit,
        redact: { detectors: { email: style }, arguments: [] },
      },
    }),
  );

test('a change to stricter names the rules that decide now, one to less strict those that decided before', () => {
  const allow = decisionOf('allow', ['staff']);
  const deny = decisionOf('deny', ['no-mail', 'no-money']);
  const hold = decisionOf('hold', ['ask-lead']);
  assert.deepEqual(compareDecisions(allow, deny), [
    { kind: 'allow-to-deny', cause: 'no-mail' },
    { kind: 'allow-to-deny', cause: 'no-money' },
  ]);
  assert.deepEqual(compareDecisions(deny, allow), [
    { kind: 'deny-to-allow', cause: 'no-mail' },
    { kind: 'deny-to-allow', cause: 'no-money' },
  ]);
  assert.deepEqual(compareDecisions(hold, deny)[0]?.kind, 'hold-to-deny');
  assert.deepEqual(compareDecisions(allow, hold), [{ kind: 'allow-to-hold', cause: 'ask-lead' }]);
  assert.deepEqual(compareDecisions(hold, allow), [{ kind: 'hold-to-allow', cause: 'ask-lead' }]);
});

test('a rule that decides before and after is named only when no other is there', () => {
  const both = decisionOf('deny', ['ask-lead', 'no-mail']);
  assert.deepEqual(compareDecisions(decisionOf('hold', ['ask-lead']), both), [
    { kind: 'hold-to-deny', cause: 'no-mail' },
  ]);
  assert.deepEqual(compareDecisions(decisionOf('hold', ['rule']), decisionOf('deny', ['rule'])), [
    { kind: 'hold-to-deny', cause: 'rule' },
  ]);
  assert.deepEqual(compareDecisions(decisionOf('deny', []), decisionOf('allow', [])), [
    { kind: 'deny-to-allow', cause: 'no-reason' },
  ]);
});

test('another way out of a hold is a change, in another order it is none', () => {
  const other = { ...gate, quorum: 2 };
  const before = decisionOf('hold', ['ask'], { gates: [gate, other] });
  assert.deepEqual(
    compareDecisions(before, decisionOf('hold', ['ask'], { gates: [other, gate] })),
    [],
  );
  assert.deepEqual(compareDecisions(before, decisionOf('hold', ['ask'], { gates: [gate] })), [
    { kind: 'hold-changed', cause: 'ask' },
  ]);
  assert.deepEqual(compareDecisions(before, { ...before, ttlMs: 2 } as Decision), [
    { kind: 'hold-changed', cause: 'ask' },
  ]);
});

test('every kind of obligation is compared', () => {
  const before = decisionOf('allow', ['a']);
  const obligations: Obligations = {
    redact: { detectors: { email: 'mask' }, arguments: ['to'] },
    reveal: { to: ['email'] },
    limits: { maxOutputTokens: 10, resultBytesMax: 20, timeoutMsMax: 30 },
    transforms: ['strip_links'],
    labels: {
      integrity: 'untrusted',
      sources: ['web'],
      confidentiality: 'secret',
      compartments: ['pii'],
    },
    audit: 'full',
    notify: ['soc'],
  };
  const causes = [
    'audit full',
    'label compartment pii',
    'label secret',
    'label source web',
    'label untrusted',
    'limit maxOutputTokens to 10',
    'limit resultBytesMax to 20',
    'limit timeoutMsMax to 30',
    'notify soc',
    'redact argument to',
    'redact email as mask',
    'reveal email in argument to',
    'transform strip_links',
  ];
  const after = decisionOf('allow', ['b'], { obligations, policyDigest: 'policy-2' });
  assert.deepEqual(
    compareDecisions(before, after),
    causes.map((cause) => ({ kind: 'obligation-added', cause })),
  );
  assert.deepEqual(
    compareDecisions(after, before),
    causes.map((cause) => ({ kind: 'obligation-removed', cause })),
  );
});

test('a decision does not differ from itself, and a way back undoes every change of effect and obligation', () => {
  fc.assert(
    fc.property(decisions, decisions, (one, other) => {
      assert.deepEqual(compareDecisions(one, one), []);
      const there = compareDecisions(one, other);
      const back = compareDecisions(other, one);
      const added = there.filter(({ kind }) => kind === 'obligation-added');
      const removed = back.filter(({ kind }) => kind === 'obligation-removed');
      assert.deepEqual(
        added.map(({ cause }) => cause),
        removed.map(({ cause }) => cause),
      );
      assert.equal(there.length === 0, back.length === 0);
      const kinds = new Set(there.map(({ kind }) => kind));
      assert.equal(kinds.has(`${one.effect}-to-${other.effect}`), one.effect !== other.effect);
    }),
  );
});

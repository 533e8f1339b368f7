import type {
  ApprovalGate,
  Decision,
  DecisionBasis,
  DecisionReason,
  Obligations,
  PolicyRequest,
  Remedy,
} from '@modelhost/kernel';
import { noObligations } from '@modelhost/kernel';
import { questionBounds } from './bounds.ts';
import type { CedarQuestion } from './cedar-runtime.ts';
import { approvedFor, gatesOf } from './gates.ts';
import { unsupportedFeatures } from './obligations.ts';
import type { joinObligations, SupportedObligations } from './obligations.ts';
import { withApproval } from './question.ts';
import type { Approved, AskerQuestion, Question } from './question.ts';
import type { Rule } from './rules.ts';
import type { Slice } from './slices.ts';
import type { Evaluate } from './verdict-memory.ts';
import { readVerdict } from './verdicts.ts';
import type { Verdict } from './verdicts.ts';

/** A decision before it says which policies decided. */
export type Outcome = WithoutPolicies<Decision>;
type WithoutPolicies<Each> = Each extends Decision
  ? Omit<Each, Exclude<keyof DecisionBasis, 'reasons' | 'obligations'>>
  : never;

/** The rules of one rule set that can matter to one asker. */
export interface Panel {
  readonly authorize: Slice;
  readonly oblige: Slice;
}

/** One who asks, and the rules that answer. */
export interface Party {
  readonly asker: AskerQuestion;
  /** One for each rule set that decides. */
  readonly panels: readonly Panel[];
}

/** Everything that one decision depends on. */
export interface Deliberation {
  readonly request: PolicyRequest;
  readonly question: Question;
  /** All of them have to be allowed. */
  readonly parties: readonly Party[];
  readonly evaluate: Evaluate;
  readonly join: typeof joinObligations;
  readonly supported: SupportedObligations;
}

/** What a request is decided by, or why it cannot be asked. The problem never quotes a value. */
export type DeliberationReading =
  | { readonly type: 'deliberation'; readonly deliberation: Deliberation }
  | { readonly type: 'refused'; readonly problem: string };

/** What is concluded, before obligations. */
type Conclusion =
  | { readonly effect: 'allow'; readonly reasons: readonly DecisionReason[] }
  | { readonly effect: 'deny'; readonly reasons: readonly DecisionReason[] }
  | {
      readonly effect: 'hold';
      readonly reasons: readonly DecisionReason[];
      readonly rules: readonly Rule[];
    };

/**
 * Asks every asker and rule set, as often as approval and remedies need it. Rule sets decide together: a fault of any
 * denies, then a forbid of any, then a permit of any is enough. All askers have to be allowed. May throw what Cedar throws.
 */
export function decideQuestion(deliberation: Deliberation): Outcome {
  const { request, parties } = deliberation;
  const first = parties.map((party) => askAll(deliberation, party, undefined));
  const forbidding = first.flatMap((verdict) => (verdict.effect === 'forbid' ? verdict.rules : []));
  const approved = approvedFor(request, gatesOf(forbidding));
  const conclusions = parties.map((party, index) => {
    const known = approved === undefined ? first[index] : undefined;
    const verdict = known ?? askAll(deliberation, party, approved);
    return conclude(deliberation, party, { verdict, approved });
  });
  return withObligations(deliberation, joinConclusions(conclusions), approved);
}

/** A denial for a reason that lies in no single rule. */
export function denyFault(problem: string, obligations: Obligations): Outcome {
  return deny([{ rule: 'policy-error', message: problem }], obligations);
}

function askAll(
  { question, evaluate }: Deliberation,
  { asker, panels }: Party,
  approved: Approved | undefined,
): Verdict {
  const cedar = cedarOf(asker, approved);
  return joinVerdicts(
    panels.map(({ authorize }) => readVerdict({ question, cedar, slice: authorize, evaluate })),
  );
}

function cedarOf({ cedar }: AskerQuestion, approved: Approved | undefined): CedarQuestion {
  return approved === undefined ? cedar : withApproval(cedar, approved);
}

/** What several sets of rules say together. */
function joinVerdicts(verdicts: readonly Verdict[]): Verdict {
  const [only] = verdicts;
  if (only !== undefined && verdicts.length === 1) return only;
  const faults = verdicts.flatMap((verdict) => (verdict.effect === 'fault' ? verdict : []));
  if (faults.length > 0) {
    return {
      effect: 'fault',
      reasons: faults.flatMap(({ reasons }) => reasons),
      rules: faults.flatMap(({ rules }) => rules),
    };
  }
  for (const effect of ['forbid', 'permit'] as const) {
    const said = verdicts.flatMap((verdict) => (verdict.effect === effect ? verdict : []));
    if (said.length > 0) return { effect, rules: said.flatMap(({ rules }) => rules) };
  }
  return { effect: 'nothing' };
}

interface Said {
  readonly verdict: Verdict;
  readonly approved: Approved | undefined;
}

function conclude(
  deliberation: Deliberation,
  party: Party,
  { verdict, approved }: Said,
): Conclusion {
  const { question, request } = deliberation;
  const { asker } = party;
  switch (verdict.effect) {
    case 'permit':
      return { effect: 'allow', reasons: reasonsOf(verdict.rules) };
    case 'nothing':
      // Whoever may call a tool may see it, so listing needs no permit of its own.
      return request.action === 'ListTool'
        ? { effect: 'allow', reasons: [] }
        : { effect: 'deny', reasons: [defaultDeny(question, asker)] };
    case 'fault':
      return { effect: 'deny', reasons: verdict.reasons };
    case 'forbid': {
      const { rules } = verdict;
      const reasons = reasonsOf(rules);
      if (!canBeRemedied(request, rules)) return { effect: 'deny', reasons };
      // Nobody is asked to approve what no rule permits.
      return isPermitted(deliberation, party, approved)
        ? { effect: 'hold', reasons, rules }
        : { effect: 'deny', reasons: [...reasons, defaultDeny(question, asker)] };
    }
  }
}

/** Whether every rule that forbids has a remedy, and there is a call that an approval could be bound to. */
function canBeRemedied({ action, context }: PolicyRequest, rules: readonly Rule[]): boolean {
  const isCall = action === 'CallTool' && context.callDigest !== '';
  return rules.every(({ remedy }) => remedy !== undefined && (isCall || remedy.gate === undefined));
}

function isPermitted(
  { question, request, evaluate }: Deliberation,
  { asker, panels }: Party,
  approved: Approved | undefined,
): boolean {
  if (request.action === 'ListTool') return true;
  const cedar = cedarOf(asker, approved);
  const verdicts = panels.map(({ authorize }) =>
    readVerdict({ question, cedar, slice: authorize, evaluate, isPermitsOnly: true }),
  );
  return joinVerdicts(verdicts).effect === 'permit';
}

/** What is concluded of all askers: the strictest, with the reasons of all that are as strict. */
function joinConclusions(conclusions: readonly Conclusion[]): Conclusion {
  const [only] = conclusions;
  if (only !== undefined && conclusions.length === 1) return only;
  for (const effect of ['deny', 'hold', 'allow'] as const) {
    const said = conclusions.filter((conclusion) => conclusion.effect === effect);
    if (said.length === 0) continue;
    const reasons = said.flatMap((conclusion) => conclusion.reasons);
    if (effect !== 'hold') return { effect, reasons };
    const rules = said.flatMap((conclusion) =>
      conclusion.effect === 'hold' ? conclusion.rules : [],
    );
    return { effect, reasons, rules };
  }
  return { effect: 'deny', reasons: [{ rule: 'default-deny', message: 'nobody asks' }] };
}

function withObligations(
  deliberation: Deliberation,
  conclusion: Conclusion,
  approved: Approved | undefined,
): Outcome {
  const { request, supported } = deliberation;
  const { obligations, faults } = readObligations(deliberation, approved);
  if (conclusion.effect === 'deny') {
    return deny([...conclusion.reasons, ...faults], obligations);
  }
  if (faults.length > 0) return deny(faults, obligations);
  const unsupported = unsupportedFeatures(obligations, supported[request.action]);
  if (unsupported.length > 0) {
    const message = `${request.action}: this host does not keep ${unsupported.join(', ')} here`;
    return deny([{ rule: 'obligation-unsupported', message }], obligations);
  }
  const reasons = sorted(conclusion.reasons);
  switch (conclusion.effect) {
    case 'allow':
      return { effect: 'allow', reasons, obligations };
    case 'hold':
      return { effect: 'hold', ...wayOut(conclusion.rules), reasons, obligations };
  }
}

interface Demands {
  readonly obligations: Obligations;
  readonly faults: readonly DecisionReason[];
}

/** What every asker's rules demand together. A rule that fails denies, and counts as if it applied. */
function readObligations(
  { question, parties, evaluate, join }: Deliberation,
  approved: Approved | undefined,
): Demands {
  let obligations = noObligations;
  const faults: DecisionReason[] = [];
  for (const { asker, panels } of parties) {
    const cedar = cedarOf(asker, approved);
    for (const { oblige } of panels) {
      const verdict = readVerdict({ question, cedar, slice: oblige, evaluate });
      if (verdict.effect === 'nothing') continue;
      if (verdict.effect === 'fault') faults.push(...verdict.reasons);
      for (const { obligation } of sortedRules(verdict.rules)) {
        if (obligation !== undefined) obligations = join(obligations, obligation);
      }
    }
  }
  return { obligations, faults };
}

interface WayOut {
  readonly remedies: readonly Remedy[];
  readonly gates: readonly ApprovalGate[];
  readonly ttlMs: number;
}

function wayOut(rules: readonly Rule[]): WayOut {
  const remedies = rules.flatMap(({ remedy }) => remedy ?? []);
  return {
    remedies: [...new Set(remedies.map(({ name }) => name))].sort(),
    gates: gatesOf(rules),
    ttlMs: Math.min(...remedies.map(({ ttlMs }) => ttlMs)),
  };
}

function defaultDeny({ subject, resource }: Question, { query }: AskerQuestion): DecisionReason {
  const action = `ModelHost::Action::${JSON.stringify(subject.action)}`;
  const { principal } = query;
  const or = principal.type === 'ModelHost::User' ? ' or one of its roles' : '';
  return {
    rule: 'default-deny',
    message: `no rule permits it; a permit for ${action} on ${entityText(resource)} is needed, for ${entityText(principal)}${or}`,
  };
}

function entityText({ type, id }: { readonly type: string; readonly id: string }): string {
  return `${type}::${JSON.stringify(id)}`;
}

function deny(reasons: readonly DecisionReason[], obligations: Obligations): Outcome {
  return { effect: 'deny', reasons: sorted(reasons), obligations };
}

function reasonsOf(rules: readonly Rule[]): readonly DecisionReason[] {
  return rules.map(({ id, message }) => ({ rule: id, message }));
}

function sortedRules(rules: readonly Rule[]): readonly Rule[] {
  return rules.toSorted((left, right) => (left.id < right.id ? -1 : 1));
}

/** Each once, in the order of the rules; the first of them, so that events and records stay small. */
function sorted(reasons: readonly DecisionReason[]): readonly DecisionReason[] {
  if (reasons.length < 2) return reasons;
  return reasons
    .toSorted(compareReasons)
    .filter((reason, place, all) => {
      const before = all[place - 1];
      return before === undefined || compareReasons(before, reason) !== 0;
    })
    .slice(0, questionBounds.reasons);
}

function compareReasons(one: DecisionReason, other: DecisionReason): number {
  if (one.rule !== other.rule) return one.rule < other.rule ? -1 : 1;
  if (one.message === other.message) return 0;
  return one.message < other.message ? -1 : 1;
}

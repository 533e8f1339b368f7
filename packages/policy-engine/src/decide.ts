import type { EntityUidJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { ApprovalFact, Decision, DecisionReason, PolicyRequest } from '@modelhost/kernel';
import { questionBounds } from './bounds.ts';
import type { CedarQuestion, PolicySlice } from './cedar-runtime.ts';
import { withApproval } from './question.ts';
import type { Question } from './question.ts';
import type { Rule } from './rules.ts';
import type { Slice } from './slices.ts';
import type { Evaluate } from './verdict-memory.ts';

/** A decision before it says which policies decided. */
export type Outcome = WithoutDigest<Decision>;
type WithoutDigest<Each> = Each extends Decision ? Omit<Each, 'policyDigest'> : never;

/** Everything that one decision depends on. */
export interface Deliberation {
  readonly request: PolicyRequest;
  readonly question: Question;
  readonly slice: Slice;
  readonly evaluate: Evaluate;
}

type SoundSlice = Extract<Slice, { readonly type: 'sound' }>;

/** What Cedar says of one question; `fault` when any rule failed or the question did not fit. */
type Verdict =
  | { readonly effect: 'permit'; readonly rules: readonly Rule[] }
  | { readonly effect: 'forbid'; readonly rules: readonly Rule[] }
  | { readonly effect: 'nothing' }
  | { readonly effect: 'fault'; readonly reasons: readonly DecisionReason[] };

/** Asks Cedar, as often as approval and remedies need it. May throw what Cedar throws. */
export function decideQuestion({ request, question, slice, evaluate }: Deliberation): Outcome {
  if (slice.type === 'unsound') return deny(unsoundReasons(slice, question));
  const blind = blindReasons(slice, question);
  if (blind.length > 0) return deny(blind);
  const ask = (policies: PolicySlice, asked: CedarQuestion): Verdict =>
    readVerdict(evaluate, { slice, policies, asked });
  const bare = question.cedar;
  const first = ask(slice.all, bare);
  const approval = usableApproval(request, first);
  const asked = approval === undefined ? bare : withApproval(bare, approval);
  const verdict = approval === undefined ? first : ask(slice.all, asked);
  switch (verdict.effect) {
    case 'permit':
      return { effect: 'allow', reasons: reasonsOf(verdict.rules) };
    case 'nothing':
      return deny([defaultDeny(question)]);
    case 'fault':
      return deny(verdict.reasons);
    case 'forbid': {
      const hold = holdFor(request, verdict.rules);
      if (hold === undefined) return deny(reasonsOf(verdict.rules));
      // Nobody is asked to approve what no rule permits.
      if (ask(slice.permits, asked).effect === 'permit') return hold;
      return deny(sorted([...reasonsOf(verdict.rules), defaultDeny(question)]));
    }
  }
}

/** A denial for a reason that lies in no single rule. */
export function denyFault(problem: string): Outcome {
  return deny([{ rule: 'policy-error', message: problem }]);
}

interface Asking {
  readonly slice: SoundSlice;
  readonly policies: PolicySlice;
  readonly asked: CedarQuestion;
}

function readVerdict(evaluate: Evaluate, { slice, policies, asked }: Asking): Verdict {
  const answer = evaluate(policies, asked, slice.contextNamed);
  if (answer.type === 'failure') {
    return {
      effect: 'fault',
      reasons: [{ rule: 'policy-error', message: 'the request does not fit the schema' }],
    };
  }
  const { decision, diagnostics } = answer.response;
  // Cedar skips a rule that fails, so a forbid that fails would allow.
  if (diagnostics.errors.length > 0) {
    const ids = new Set(diagnostics.errors.map(({ policyId }) => policyId));
    const reasons = [...ids].map((rule) => ({ rule, message: 'policy error' }));
    return { effect: 'fault', reasons: sorted(reasons) };
  }
  const rules = diagnostics.reason.flatMap((id) => slice.rules.get(id) ?? []);
  if (decision === 'allow') return { effect: 'permit', rules };
  return rules.length === 0 ? { effect: 'nothing' } : { effect: 'forbid', rules };
}

/** The approval, unless it is for another call, too late, or given by the one who asks where that does not count. */
function usableApproval(
  { principal, context }: PolicyRequest,
  first: Verdict,
): ApprovalFact | undefined {
  const { approval, callDigest, nowMs } = context;
  if (approval === undefined || callDigest === '') return undefined;
  if (approval.callDigest !== callDigest || !Number.isSafeInteger(approval.expiresAtMs))
    return undefined;
  if (nowMs >= approval.expiresAtMs) return undefined;
  if (approval.approver !== principal.subject) return approval;
  const isSelfApprovalAllowed =
    first.effect === 'forbid' &&
    first.rules.every(({ remedy }) => remedy?.isSelfApprovalAllowed === true);
  return isSelfApprovalAllowed ? approval : undefined;
}

/** A hold, if every rule that forbids has the remedy and there is a call that an approval could be bound to. */
function holdFor({ action, context }: PolicyRequest, rules: readonly Rule[]): Outcome | undefined {
  const remedies = rules.flatMap(({ remedy }) => remedy ?? []);
  const isCall = action === 'CallTool' && context.callDigest !== '';
  if (!isCall || remedies.length < rules.length) return undefined;
  return {
    effect: 'hold',
    remedy: 'approval',
    approvers: [...new Set(remedies.flatMap(({ approvers }) => approvers))].sort(),
    ttlMs: Math.min(...remedies.map(({ ttlMs }) => ttlMs)),
    reasons: reasonsOf(rules),
  };
}

function unsoundReasons(
  { problems }: Extract<Slice, { readonly type: 'unsound' }>,
  { resource }: Question,
): readonly DecisionReason[] {
  return problems.map(({ rule }) => ({
    rule: 'policy-error',
    message:
      rule === undefined
        ? `${resource.id}: its schema cannot be used by policy`
        : `rule ${rule} does not fit the schema of ${resource.id}`,
  }));
}

/** A rule that asks for an argument policy cannot see would never find it, though it is there. */
function blindReasons(
  { rules }: SoundSlice,
  { hiddenArguments }: Question,
): readonly DecisionReason[] {
  if (hiddenArguments.size === 0) return [];
  return [...rules.values()]
    .filter(({ argumentsNamed }) => !argumentsNamed.isDisjointFrom(hiddenArguments))
    .map(({ id }) => ({
      rule: 'policy-error',
      message: `rule ${id} names an argument whose type policy cannot see`,
    }));
}

function defaultDeny({ subject, resource, cedar }: Question): DecisionReason {
  const action = `ModelHost::Action::${JSON.stringify(subject.action)}`;
  const on = entityText(resource);
  return {
    rule: 'default-deny',
    message: `no rule permits it; a permit for ${action} on ${on} is needed, for ${entityText(cedar.principal)} or one of its roles`,
  };
}

function entityText(entity: EntityUidJson): string {
  const { type, id } = '__entity' in entity ? entity['__entity'] : entity;
  return `${type}::${JSON.stringify(id)}`;
}

function deny(reasons: readonly DecisionReason[]): Outcome {
  return { effect: 'deny', reasons: sorted(reasons) };
}

function reasonsOf(rules: readonly Rule[]): readonly DecisionReason[] {
  return sorted(rules.map(({ id, message }) => ({ rule: id, message })));
}

/** In the order of the rules; the first of them, so that events and records stay small. */
function sorted(reasons: readonly DecisionReason[]): readonly DecisionReason[] {
  return reasons
    .toSorted((left, right) => (left.rule < right.rule ? -1 : 1))
    .slice(0, questionBounds.reasons);
}

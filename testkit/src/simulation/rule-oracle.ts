import { joinLabels, noObligations } from '@modelhost/kernel';
import type { ApprovalGate, Decision, Obligations, PolicyRequest } from '@modelhost/kernel';
import { ruleSets, tenantRules } from './rules.ts';
import type { RuleEffect, RuleSetName, SimulatedRule } from './rules.ts';

/** What of a decision the rules determine; the words of its reasons are the engine's own. */
export type Expected = Pick<Decision, 'effect' | 'obligations'> & {
  readonly remedies: readonly string[];
  readonly gates: readonly ApprovalGate[];
  readonly ttlMs: number;
};

type Held = Extract<RuleEffect, { type: 'hold' }>;

const noWayOut = { remedies: [], gates: [], ttlMs: 0 } as const;

/** What the rules say about a request, found without Cedar and without the engine. */
export function expectDecision(name: RuleSetName, request: PolicyRequest): Expected {
  const { tenant } = request.principal;
  const rules: readonly SimulatedRule[] = [...ruleSets[name], ...(tenantRules[tenant] ?? [])];
  const said = rules.filter(({ applies }) => applies(request)).map(({ says }) => says);
  const obligations = said.reduce(
    (all, says) => (says.type === 'oblige' ? demand(all, says.demands) : all),
    noObligations,
  );
  const isPermitted = said.some(({ type }) => type === 'permit');
  const isForbidden = said.some(({ type }) => type === 'forbid');
  const holds = holdsLeft(said, request);
  if (isForbidden || !isPermitted) return { effect: 'deny', obligations, ...noWayOut };
  if (holds.length === 0) return { effect: 'allow', obligations, ...noWayOut };
  return {
    effect: 'hold',
    obligations,
    remedies: [...new Set(holds.map(({ remedy }) => remedy))].toSorted(),
    gates: gatesOf(holds),
    ttlMs: Math.min(...holds.map(({ ttlMs }) => ttlMs)),
  };
}

/** The same of what the engine said. */
export function readDecision(decision: Decision): Expected {
  const { effect, obligations } = decision;
  if (decision.effect !== 'hold') return { effect, obligations, ...noWayOut };
  const { remedies, gates, ttlMs } = decision;
  return { effect, obligations, remedies, gates, ttlMs };
}

/** Those that an approval does not lift. */
function holdsLeft(
  said: readonly RuleEffect[],
  { context, principal }: PolicyRequest,
): readonly Held[] {
  const holds = said.flatMap((says) => (says.type === 'hold' ? [says] : []));
  const { approval, callDigest, nowMs } = context;
  const isInTime = approval?.callDigest === callDigest && nowMs < approval.expiresAtMs;
  const gates = gatesOf(holds);
  if (approval === undefined || !isInTime) return holds;
  return isPassed(gates, approval.votes, principal.subject)
    ? holds.filter(({ gate }) => gate === null)
    : holds;
}

/** Whether enough people voted at each gate. */
export function isPassed(
  gates: readonly ApprovalGate[],
  votes: readonly { readonly subject: string; readonly roles: readonly string[] }[],
  asker: string,
): boolean {
  const isSelfAllowed = gates.every(({ isSelfApprovalAllowed }) => isSelfApprovalAllowed);
  const counted = votes.filter(({ subject }) => isSelfAllowed || subject !== asker);
  return gates.every(({ approvers, quorum }) => {
    const passed = counted.filter(
      ({ roles }) => approvers.length === 0 || approvers.some((role) => roles.includes(role)),
    );
    return new Set(passed.map(({ subject }) => subject)).size >= quorum;
  });
}

function gatesOf(holds: readonly Held[]): readonly ApprovalGate[] {
  return holds
    .flatMap(({ gate }) => gate ?? [])
    .toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
}

/** Adds a demand. No two rules of a set demand the same thing of one request in different measure. */
function demand(all: Obligations, more: Partial<Obligations>): Obligations {
  return {
    redact: more.redact ?? all.redact,
    reveal: more.reveal ?? all.reveal,
    limits: { ...all.limits, ...more.limits },
    transforms: more.transforms ?? all.transforms,
    labels: joinLabels(all.labels, more.labels ?? all.labels),
    audit: more.audit ?? all.audit,
    notify: more.notify ?? all.notify,
  };
}

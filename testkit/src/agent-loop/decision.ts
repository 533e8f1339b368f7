import type { ApprovalGate, Decision, DecisionBasis, Obligations } from '@modelhost/kernel';
import { noObligations } from '@modelhost/kernel';

/** What a test says of a decision; the rest is usual. */
export type GivenDecision = Partial<DecisionBasis> &
  (
    | { readonly effect: 'allow' | 'deny' }
    | (Partial<Omit<Extract<Decision, { effect: 'hold' }>, keyof DecisionBasis>> & {
        readonly effect: 'hold';
      })
  );

/** One person of the tenant. */
export const anybody: ApprovalGate = {
  approvers: [],
  quorum: 1,
  isSelfApprovalAllowed: false,
};

export const policyDigest: string = 'd'.repeat(64);

/** The decision whole. A hold wants one yes of anybody within 10 seconds. */
export function completeDecision(given: GivenDecision): Decision {
  const basis: DecisionBasis = {
    reasons: [{ rule: `test.${given.effect}`, message: given.effect }],
    obligations: noObligations,
    policyDigest,
    bundles: [],
  };
  if (given.effect !== 'hold') return { ...basis, ...given };
  return { ...basis, remedies: ['approval'], gates: [anybody], ttlMs: 10_000, ...given };
}

/** Obligations of which a test names a few. */
export function oblige(changes: Partial<Obligations>): Obligations {
  return { ...noObligations, ...changes };
}

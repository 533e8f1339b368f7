import type { ApprovalGate, PolicyRequest } from '@modelhost/kernel';
import type { Approved } from './question.ts';
import type { Rule } from './rules.ts';

/** The gates of those rules that wait for an approval, each once, in one order. */
export function gatesOf(rules: readonly Rule[]): readonly ApprovalGate[] {
  const gates = rules.flatMap(({ remedy }) => remedy?.gate ?? []);
  if (gates.length < 2) return gates;
  const byText = new Map(gates.map((gate) => [JSON.stringify(gate), gate]));
  return [...byText].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, gate]) => gate);
}

/** Where no gate says who has to approve, one other person has to. */
const anybodyElse: ApprovalGate = { approvers: [], quorum: 1, isSelfApprovalAllowed: false };

/**
 * What people said, if it is about exactly this call, in time, and enough for every one of the gates; undefined else.
 * The one who asks counts only where all gates allow it.
 */
export function approvedFor(
  { principal, context }: PolicyRequest,
  gates: readonly ApprovalGate[],
): Approved | undefined {
  const { approval, callDigest, nowMs } = context;
  if (approval === undefined || callDigest === '') return undefined;
  const { expiresAtMs } = approval;
  if (approval.callDigest !== callDigest || !Number.isSafeInteger(expiresAtMs)) return undefined;
  if (nowMs >= expiresAtMs) return undefined;
  const asked = gates.length === 0 ? [anybodyElse] : gates;
  const isSelfAllowed = asked.every(({ isSelfApprovalAllowed }) => isSelfApprovalAllowed);
  const votes = approval.votes.filter(
    ({ subject }) => isSelfAllowed || subject !== principal.subject,
  );
  const approvers = new Set<string>();
  for (const { approvers: roles, quorum } of asked) {
    const counted = votes.filter(
      (vote) => roles.length === 0 || vote.roles.some((role) => roles.includes(role)),
    );
    // However often somebody votes, it is one person.
    const people = new Set(counted.map(({ subject }) => subject));
    if (people.size < quorum) return undefined;
    for (const person of people) approvers.add(person);
  }
  return { callDigest, approvers: [...approvers].sort(), expiresAtMs };
}

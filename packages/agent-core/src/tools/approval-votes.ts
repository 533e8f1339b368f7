import type { ApprovalFact, ApprovalGate } from '@modelhost/kernel';

type Votes = ApprovalFact['votes'];

/** What is missing until every gate is passed. */
export interface VotesWanted {
  /** At least so many more; 0 when all gates are passed. */
  readonly votesMissing: number;
  /** Roles of which whoever votes next needs one; empty for anybody of the tenant. */
  readonly approvers: readonly string[];
  /** Those whose vote would not count. */
  readonly refused: readonly string[];
}

/** Counts the votes at each gate. `asker` is the one whose call it is, and counts only where all gates allow it. */
export function countVotes(
  gates: readonly ApprovalGate[],
  votes: Votes,
  asker: string,
): VotesWanted {
  const open = openGates(gates, votes, asker);
  const isAnybody = open.some(({ gate }) => gate.approvers.length === 0);
  const roles = open.flatMap(({ gate }) => gate.approvers);
  const voted = votes.map(({ subject }) => subject);
  return {
    votesMissing: Math.max(0, ...open.map(({ missing }) => missing)),
    approvers: isAnybody ? [] : [...new Set(roles)].sort(),
    refused: [...new Set(isSelfAllowed(gates) ? voted : [asker, ...voted])].sort(),
  };
}

/** Whether somebody's vote would bring a gate nearer. */
export function isVoteWanted(
  gates: readonly ApprovalGate[],
  votes: Votes,
  vote: { readonly asker: string; readonly subject: string; readonly roles: readonly string[] },
): boolean {
  const { asker, subject, roles } = vote;
  if (votes.some((cast) => cast.subject === subject)) return false;
  if (subject === asker && !isSelfAllowed(gates)) return false;
  return openGates(gates, votes, asker).some(({ gate }) => hasRole(gate, roles));
}

function openGates(
  gates: readonly ApprovalGate[],
  votes: Votes,
  asker: string,
): readonly { readonly gate: ApprovalGate; readonly missing: number }[] {
  const counted = isSelfAllowed(gates) ? votes : votes.filter(({ subject }) => subject !== asker);
  return gates
    .map((gate) => {
      const passed = counted.filter(({ roles }) => hasRole(gate, roles)).length;
      return { gate, missing: gate.quorum - passed };
    })
    .filter(({ missing }) => missing > 0);
}

function isSelfAllowed(gates: readonly ApprovalGate[]): boolean {
  return gates.every(({ isSelfApprovalAllowed }) => isSelfApprovalAllowed);
}

function hasRole({ approvers }: ApprovalGate, roles: readonly string[]): boolean {
  return approvers.length === 0 || approvers.some((role) => roles.includes(role));
}

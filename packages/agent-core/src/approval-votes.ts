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

/** Counts the votes at each gate. `asker` is the one whose call it is. */
export function countVotes(
  gates: readonly ApprovalGate[],
  votes: Votes,
  asker: string,
): VotesWanted {
  const open = gates
    .map((gate) => ({ gate, missing: gate.quorum - votesAt(gate, votes, asker) }))
    .filter(({ missing }) => missing > 0);
  const isAnybody = open.some(({ gate }) => gate.approvers.length === 0);
  const roles = open.flatMap(({ gate }) => gate.approvers);
  const voted = votes.map(({ subject }) => subject);
  const isSelfAllowed = open.some(({ gate }) => gate.isSelfApprovalAllowed);
  return {
    votesMissing: Math.max(0, ...open.map(({ missing }) => missing)),
    approvers: isAnybody ? [] : [...new Set(roles)].sort(),
    refused: [...new Set(isSelfAllowed ? voted : [asker, ...voted])].sort(),
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
  return gates.some(
    (gate) =>
      votesAt(gate, votes, asker) < gate.quorum && doesCount(gate, { subject, roles }, asker),
  );
}

function votesAt(gate: ApprovalGate, votes: Votes, asker: string): number {
  return votes.filter((vote) => doesCount(gate, vote, asker)).length;
}

function doesCount(
  { approvers, isSelfApprovalAllowed }: ApprovalGate,
  { subject, roles }: Votes[number],
  asker: string,
): boolean {
  if (subject === asker && !isSelfApprovalAllowed) return false;
  return approvers.length === 0 || approvers.some((role) => roles.includes(role));
}

import type { ApprovalGate, Remedy } from '@modelhost/kernel';
import { readCount, readNames, readWord } from './annotation-values.ts';
import type { AnnotatedPolicy, Fail } from './annotation-values.ts';

/** The way out of a forbid. */
export interface RuleRemedy {
  readonly name: Remedy;
  /** Who has to approve; undefined when the remedy is another. */
  readonly gate: ApprovalGate | undefined;
  readonly ttlMs: number;
}

/** The annotations that speak of a remedy. */
export const remedyAnnotations = [
  'remedy',
  'approvers',
  'quorum',
  'ttl_seconds',
  'self_approval',
] as const;

const remedies: readonly Remedy[] = ['approval', 'step_up', 'choose_other_model', 'wait'];
const approvalOnly = ['approvers', 'quorum', 'self_approval'] as const;
const ttlSecondsDefault = 900;
const ttlSecondsMax = 7 * 24 * 3600;
const quorumMax = 16;
const roles = {
  annotation: 'approvers',
  pattern: /^[^\p{Cc}"\\]{1,100}$/u,
  words: 'roles of at most 100 characters',
};

/** Reads the remedy of a forbid; undefined when the rule has none. */
export function readRemedy(policy: AnnotatedPolicy, fail: Fail): RuleRemedy | undefined {
  const { id, effect, annotations } = policy;
  const name = readWord(policy, { annotation: 'remedy', words: remedies }, fail);
  if (name === undefined) {
    const orphan = remedyAnnotations.find((annotation) => annotations.has(annotation));
    if (orphan === undefined) return undefined;
    throw fail(`rule "${id}" has @${orphan} without a remedy`, 'add @remedy("approval")');
  }
  if (effect !== 'forbid') {
    throw fail(`rule "${id}" permits, so there is nothing to remedy`, 'put @remedy on a forbid');
  }
  const misplaced = approvalOnly.find((annotation) => annotations.has(annotation));
  if (name !== 'approval' && misplaced !== undefined) {
    throw fail(
      `rule "${id}" has @${misplaced}, but its remedy is no approval`,
      'write @remedy("approval"), or leave it out',
    );
  }
  const ttl = { annotation: 'ttl_seconds', max: ttlSecondsMax };
  return {
    name,
    gate: name === 'approval' ? readGate(policy, fail) : undefined,
    ttlMs: (readCount(policy, ttl, fail) ?? ttlSecondsDefault) * 1000,
  };
}

function readGate(policy: AnnotatedPolicy, fail: Fail): ApprovalGate {
  const selfApproval = { annotation: 'self_approval', words: ['allowed'] } as const;
  return {
    approvers: readNames(policy, roles, fail) ?? [],
    quorum: readCount(policy, { annotation: 'quorum', max: quorumMax }, fail) ?? 1,
    isSelfApprovalAllowed: readWord(policy, selfApproval, fail) === 'allowed',
  };
}

import type { Random } from './random.ts';
import { ruleSetNames } from './rules.ts';
import type { RuleSetName } from './rules.ts';

/**
 * How a host is governed, drawn apart from the rest of its world: a seed whose policy is scripted is the same world as without
 * these.
 */
export interface Governance {
  /** Of each process, the first one first, the last for all after it; null where policy is scripted. */
  readonly rules: readonly [RuleSetName, ...RuleSetName[]] | null;
}

/** Half of the worlds have rules, and some of these get others with a restart. */
export function drawGovernance(random: Random): Governance {
  const hasRules = random.chance(0.5);
  const first = random.pick(ruleSetNames);
  const second = random.chance(0.3) ? random.pick(ruleSetNames) : first;
  return { rules: hasRules ? [first, second] : null };
}

/** The rules of a process, counted from 1; undefined where policy is scripted. */
export function rulesOf({ rules }: Governance, processId: number): RuleSetName | undefined {
  return rules?.[Math.min(processId, rules.length) - 1];
}

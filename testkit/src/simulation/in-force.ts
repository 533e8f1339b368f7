import type { Governance } from './governance.ts';
import type { RuleSetName } from './rules.ts';
import type { HostWorld } from './world.ts';

/** The rules that are in force in a process now; undefined where policy is scripted. */
export function rulesOf({
  governance: { rules, reload },
  processId,
  clock,
}: Pick<HostWorld, 'governance' | 'processId' | 'clock'>): RuleSetName | undefined {
  if (rules === null) return undefined;
  if (reload !== null && clock.now() >= reload.atMs) return reload.rules;
  return rules[Math.min(processId, rules.length) - 1];
}

/** All that may decide in a world at any time; null where policy is scripted. */
export function allRulesOf({ rules, reload, brought }: Governance): readonly RuleSetName[] | null {
  if (rules === null) return null;
  return [...rules, ...(reload === null ? [] : [reload.rules]), ...brought];
}

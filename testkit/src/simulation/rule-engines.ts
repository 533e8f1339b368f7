import { createPolicyEngine, readRuleSet } from '@modelhost/policy-engine';
import type { RuleSet } from '@modelhost/policy-engine';
import type { PolicyEngine } from '@modelhost/kernel';
import { createRunInput } from '../run-input.ts';
import { ruleSets, tenantRules } from './rules.ts';
import type { RuleSetName, SimulatedRule } from './rules.ts';
import { tenants, tools } from './scenario.ts';

/**
 * The real decision point under each set of rules, read once for the whole process: it keeps nothing of a world, and whatever it
 * loads is loaded while that can be done.
 */
export const ruleEngines: Readonly<Record<RuleSetName, PolicyEngine>> = createEngines();

// What is visible is found out in pieces, with a turn of the process in between, and then remembered for each asker.
for (const engine of Object.values(ruleEngines)) {
  for (const tenant of tenants) {
    const { principal, agent } = createRunInput({ tenant });
    await engine.visible({ principal, agent: agent.id, isDelegated: true }, tools);
  }
}

function createEngines(): Readonly<Record<RuleSetName, PolicyEngine>> {
  const ofTenants = Object.entries(tenantRules).map(
    ([tenant, rules]) => [tenant, readRules(tenant, { tenant }, rules)] as const,
  );

  function engineOf(name: RuleSetName): PolicyEngine {
    const platform = [readRules(name, 'platform', ruleSets[name])];
    const sets = new Map(ofTenants.map(([tenant, own]) => [tenant, [...platform, own]]));
    const source = { rulesFor: (tenant: string) => sets.get(tenant) ?? platform };
    return createPolicyEngine({ source });
  }

  return { open: engineOf('open'), held: engineOf('held'), bounded: engineOf('bounded') };
}

function readRules(
  name: string,
  scope: RuleSet['source']['scope'],
  rules: readonly SimulatedRule[],
): RuleSet {
  const isObliging = ({ says }: SimulatedRule): boolean => says.type === 'oblige';
  const textOf = (some: readonly SimulatedRule[]): string =>
    some.map(({ cedar }) => cedar).join('\n');
  return readRuleSet({
    name,
    scope,
    revision: 1,
    digest: `digest of ${name}`,
    files: [
      { name: 'authorize.cedar', text: textOf(rules.filter((rule) => !isObliging(rule))) },
      { name: 'oblige.cedar', text: textOf(rules.filter(isObliging)) },
    ],
    // Checked when they are first asked about, which costs less than to check all of them in each process.
    tools: [],
  });
}

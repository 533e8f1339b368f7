import { createPolicyEngine, readRuleSet } from '@modelhost/policy-engine';
import type { PolicySource, RuleSet } from '@modelhost/policy-engine';
import type { PolicyEngine } from '@modelhost/kernel';
import { createRunInput } from '../run-input.ts';
import { ruleSetNames, ruleSets, tenantRules } from './rules.ts';
import type { RuleSetName, SimulatedRule } from './rules.ts';
import { tenants, tools } from './scenario.ts';

/**
 * The real decision point, which is given other rules again and again, as a reload does. It is there once for the whole process: it
 * keeps nothing of a world, and whatever it loads is loaded while that can be done.
 */
const engine = createPolicyEngine({ source: { rulesFor: () => [] } });
const sources = createSources();

/** The decision point under these rules, until it is asked for under others. */
export function engineUnder(name: RuleSetName): PolicyEngine {
  engine.use(sources[name]);
  return engine;
}

// What is visible is found out in pieces, with a turn of the process in between, and then remembered for each asker.
for (const name of ruleSetNames) {
  for (const tenant of tenants) {
    const { principal, agent } = createRunInput({ tenant });
    await engineUnder(name).visible({ principal, agent: agent.id, isDelegated: true }, tools);
  }
}

function createSources(): Readonly<Record<RuleSetName, PolicySource>> {
  const ofTenants = Object.entries(tenantRules).map(
    ([tenant, rules]) => [tenant, readRules(tenant, { tenant }, rules)] as const,
  );

  function sourceOf(name: RuleSetName): PolicySource {
    const platform = [readRules(name, 'platform', ruleSets[name])];
    const sets = new Map(ofTenants.map(([tenant, own]) => [tenant, [...platform, own]]));
    return { rulesFor: (tenant: string) => sets.get(tenant) ?? platform };
  }

  return { open: sourceOf('open'), held: sourceOf('held'), bounded: sourceOf('bounded') };
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

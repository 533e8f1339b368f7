import { canonicalJson } from '@modelhost/kernel';
import type {
  Decision,
  Json,
  PolicyEngine,
  PolicyRequest,
  ToolDefinition,
} from '@modelhost/kernel';
import { rulesOf } from './governance.ts';
import { pause } from './pause.ts';
import { noteAsked, noteDecided } from './policy-notes.ts';
import { ruleEngines } from './rule-engines.ts';
import { expectDecision, readDecision } from './rule-oracle.ts';
import type { Expected } from './rule-oracle.ts';
import { isUnseen, tenantRules } from './rules.ts';
import type { RuleSetName } from './rules.ts';
import type { HostWorld } from './world.ts';

/** The real decision point under the rules of this process. Now and then it takes its time. */
export function createRuledPolicy(world: HostWorld, name: RuleSetName): PolicyEngine {
  const engine = ruleEngines[name];

  async function decide(request: PolicyRequest): Promise<Decision> {
    noteAsked(world, request);
    const { runId } = request.context;
    const place = `rules/${runId}/${request.action}`;
    const delayMs = world.outside.take(`${place}/${world.count(place)}`, (random) =>
      random.chance(0.7) ? 0 : random.int(1, 5),
    );
    if (delayMs > 0) await pause(world.clock, delayMs, undefined);
    const decision = await engine.decide(request);
    noteDecided(world, request, decision);
    return decision;
  }

  return { ...engine, decide };
}

/** L6, I6: what the loop is told is what the rules of this process say about its question, under their names. */
export function watchPolicy(world: HostWorld, policy: PolicyEngine): PolicyEngine {
  const name = rulesOf(world.governance, world.processId);
  if (name === undefined) return policy;
  return {
    ...policy,
    visible: async (asker, listed) => {
      const seen = await policy.visible(asker, listed);
      const expected = listed.filter((tool) => !isUnseen(name, tool.name));
      if (namesOf(seen) !== namesOf(expected)) {
        world.facts.violate('L6', `${namesOf(seen)} can be seen, not ${namesOf(expected)}`);
      }
      return seen;
    },
    decide: async (request) => {
      const decision = await policy.decide(request);
      const { runId } = request.context;
      const { tenant } = request.principal;
      const expected = textOf(expectDecision(name, request));
      const said = textOf(readDecision(decision));
      if (said !== expected) {
        world.facts.violate('L6', `${runId}: ${request.action} is ${said}, not ${expected}`);
      }
      const bundles = [name, ...(tenantRules[tenant] === undefined ? [] : [tenant])];
      if (decision.bundles.join() !== bundles.map((bundle) => `${bundle}@1`).join()) {
        world.facts.violate(
          'I6',
          `${runId}: ${decision.bundles.join()} decided, not ${bundles.join()}`,
        );
      }
      return decision;
    },
  };
}

function textOf(expected: Expected): string {
  // Names, numbers and lists of them, as the journal keeps decisions.
  return canonicalJson(expected as unknown as Json);
}

function namesOf(listed: readonly ToolDefinition[]): string {
  return listed.map(({ name }) => name).join();
}

import { canonicalJson } from '@modelhost/kernel';
import type {
  Decision,
  Json,
  PolicyAsker,
  PolicyEngine,
  PolicyRequest,
  ToolDefinition,
} from '@modelhost/kernel';
import { rulesOf } from './in-force.ts';
import { pause } from './pause.ts';
import { noteAsked, noteDecided } from './policy-notes.ts';
import { engineUnder } from './rule-engines.ts';
import { expectDecision, readDecision } from './rule-oracle.ts';
import type { Expected } from './rule-oracle.ts';
import { isUnseen, ruleSetNames, tenantRules } from './rules.ts';
import type { RuleSetName } from './rules.ts';
import type { HostWorld } from './world.ts';

/** The real decision point under the rules of this moment. Now and then it takes its time. */
export function createRuledPolicy(world: HostWorld): PolicyEngine {
  async function decide(request: PolicyRequest): Promise<Decision> {
    noteAsked(world, request);
    const { runId } = request.context;
    const place = `rules/${runId}/${request.action}`;
    const delayMs = world.outside.take(`${place}/${world.count(place)}`, (random) =>
      random.chance(0.7) ? 0 : random.int(1, 5),
    );
    if (delayMs > 0) await pause(world.clock, delayMs, undefined);
    const decision = await engineUnder(nameFor(world, request)).decide(request);
    noteDecided(world, request, decision);
    return decision;
  }

  return {
    decide,
    visible: async (asker, listed) => {
      const { bundle: _bundle, ...bare } = asker;
      return engineUnder(nameFor(world, asker)).visible(bare, listed);
    },
    digest: () => engineUnder(nameFor(world, {})).digest(),
  };
}

/** The rules that decide now: those that the run brings along, or what is in force. */
function nameFor(world: HostWorld, { bundle }: Pick<PolicyAsker, 'bundle'>): RuleSetName {
  return ruleSetNames.find((name) => name === bundle) ?? rulesOf(world) ?? 'open';
}

/**
 * L6, I6: what the loop is told is what the rules say about its question, under their names: those of the run, or those that were in
 * force when it asked, or when it was told.
 */
export function watchPolicy(world: HostWorld, policy: PolicyEngine): PolicyEngine {
  if (world.governance.rules === null) return policy;
  return {
    ...policy,
    visible: async (asker, listed) => {
      const names = [nameFor(world, asker)];
      const shown = await policy.visible(asker, listed);
      const seen = namesOf(shown);
      names.push(nameFor(world, asker));
      const expected = names.map((name) =>
        namesOf(listed.filter((tool) => !isUnseen(name, tool.name))),
      );
      if (!expected.includes(seen)) {
        world.facts.violate(
          'L6',
          `${seen} can be seen, not ${[...new Set(expected)].join(' or ')}`,
        );
      }
      return shown;
    },
    decide: async (request) => {
      const before = nameFor(world, request);
      const decision = await policy.decide(request);
      checkDecision(world, request, { decision, names: [before, nameFor(world, request)] });
      return decision;
    },
  };
}

function checkDecision(
  { facts }: HostWorld,
  request: PolicyRequest,
  { decision, names }: { readonly decision: Decision; readonly names: readonly RuleSetName[] },
): void {
  const { runId } = request.context;
  const { tenant } = request.principal;
  const own = tenantRules[tenant] === undefined ? [] : [tenant];
  const bundlesOf = (name: string): string => [name, ...own].map((bundle) => `${bundle}@1`).join();
  const decided = decision.bundles.join();
  const name = names.find((one) => bundlesOf(one) === decided);
  if (name === undefined) {
    facts.violate('I6', `${runId}: ${decided} decided, not ${[...new Set(names)].join(' or ')}`);
  }
  const expected = textOf(expectDecision(name ?? names[0] ?? 'open', request));
  const said = textOf(readDecision(decision));
  if (said !== expected) {
    facts.violate('L6', `${runId}: ${request.action} is ${said}, not ${expected}`);
  }
}

function textOf(expected: Expected): string {
  // Names, numbers and lists of them, as the journal keeps decisions.
  return canonicalJson(expected as unknown as Json);
}

function namesOf(listed: readonly ToolDefinition[]): string {
  return listed.map(({ name }) => name).join();
}

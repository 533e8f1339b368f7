import { confidentialityLevels, joinLabels, plainLabels } from '@modelhost/kernel';
import type { DataLabels, RunEvent } from '@modelhost/kernel';
import type { Fact } from './facts.ts';
import { inputOf } from './scenario.ts';
import type { RunPlan } from './scenario.ts';
import type { World } from './world.ts';

/** I10: an answer counts once, whoever approved has said yes, once, and an approval lets one call be decided once. */
export function checkAnswers(
  { facts }: Pick<World, 'facts'>,
  plan: RunPlan,
  ofRun: readonly Fact[],
): void {
  const { runId } = plan;
  const asker = inputOf(plan, null).principal.subject;
  const accepted = new Set<string>();
  const yeses = new Set<string>();
  const approvedCalls = new Set<string>();
  for (const fact of ofRun) {
    if (fact.type === 'answered' && fact.isAccepted) {
      if (accepted.has(fact.name)) facts.violate('I10', `${runId}: ${fact.name} counted twice`);
      accepted.add(fact.name);
    }
    // Whether it was told that it counts or not: what the run was given is what counts.
    if (fact.type === 'handed' && fact.payload?.type === 'approval' && fact.payload.approved) {
      yeses.add(fact.payload.by);
    }
    if (fact.type !== 'asked' || fact.voters === null) continue;
    const { voters, callDigest, life } = fact;
    // A decision that was lost with its process is asked for again.
    const use = `${life}/${callDigest}`;
    if (approvedCalls.has(use)) facts.violate('I10', `${runId}: an approval is used twice`);
    approvedCalls.add(use);
    if (new Set(voters).size < voters.length) {
      facts.violate('I10', `${runId}: somebody voted twice`);
    }
    checkVoters({ facts }, { runId, asker, voters, yeses });
  }
}

function checkVoters(
  { facts }: Pick<World, 'facts'>,
  votes: {
    readonly runId: string;
    readonly asker: string;
    readonly voters: readonly string[];
    readonly yeses: ReadonlySet<string>;
  },
): void {
  for (const voter of votes.voters) {
    if (!votes.yeses.has(voter)) facts.violate('I10', `${votes.runId}: ${voter} never said yes`);
  }
}

/** Of a run in whose history a model has spoken, from its first question on. */
const spokenBefore: DataLabels = { ...plainLabels, integrity: 'untrusted', sources: ['history'] };

/** I10: what a run has seen taints whatever it asks after that, and never less than before. */
export function checkTaint(
  { facts, conversations }: Pick<World, 'facts' | 'conversations'>,
  { runId, hasHistory }: RunPlan,
  seen: { readonly facts: readonly Fact[]; readonly events: readonly RunEvent[] },
): void {
  const start = hasHistory ? spokenBefore : (conversations.givenTo(runId)?.labels ?? plainLabels);
  /** By life: a program that begins again asks again from where its journal ends. */
  const floors = new Map<string, DataLabels>();
  let all = plainLabels;
  for (const fact of seen.facts) {
    if (fact.type !== 'asked' || fact.action === 'AcceptToolResult') continue;
    const { action, labels, life } = fact;
    const floor = floors.get(life) ?? start;
    if (!holds(labels, floor)) facts.violate('I10', `${runId}: ${action} is cleaner than before`);
    all = joinLabels(all, labels);
    // A server that asks the model adds its own labels to that question alone.
    if (action !== 'UseModel') floors.set(life, joinLabels(floor, labels));
  }
  if (!holds(all, taintBeforeLastTurn(seen.events))) {
    facts.violate('I10', `${runId}: what it was told is not in what it asks`);
  }
}

/** Of all results that the model saw before it was asked for the last time. */
function taintBeforeLastTurn(events: readonly RunEvent[]): DataLabels {
  const lastTurn = events.findLastIndex(
    ({ step, body }) => body.type === 'decision' && /^turn-\d+\/model$/.test(step),
  );
  let taint = plainLabels;
  for (const { body } of events.slice(0, Math.max(0, lastTurn))) {
    if (body.type === 'tool-finished') taint = joinLabels(taint, body.labels);
  }
  return taint;
}

/** Whether the labels are at least as strict as the others. */
function holds(labels: DataLabels, others: DataLabels): boolean {
  const level = (given: DataLabels): number => confidentialityLevels.indexOf(given.confidentiality);
  return (
    (labels.integrity === 'untrusted' || others.integrity === 'trusted') &&
    level(labels) >= level(others) &&
    others.sources.every((source) => labels.sources.includes(source)) &&
    others.compartments.every((name) => labels.compartments.includes(name))
  );
}

import type { RunEvent, RunEventBody } from '@modelhost/kernel';
import type { Forked } from './fork-clients.ts';
import type { Aftermath } from './laws.ts';

/**
 * Sequences of the events that a fork has taken over: those that are older than itself, and of what was over by then also what it told
 * last, which is told anew. None of any other run.
 */
export function takenOver({ world, clients }: Aftermath, runId: string): ReadonlySet<number> {
  const forked = clients.forks.find(({ plan }) => plan.runId === runId);
  const created = world.facts.all.find((fact) => fact.type === 'created' && fact.runId === runId);
  if (forked === undefined || created === undefined) return new Set();
  const turn = turnOf(forked.atStep);
  const events = clients.whole.get(runId) ?? [];
  const isOlder = ({ timeMs }: RunEvent): boolean => timeMs < created.atMs;
  const begun = new Set(
    events
      .filter((event) => event.body.type === 'step-started' && isOlder(event))
      .map(({ step }) => step),
  );
  const taken = events.filter(
    (event) =>
      isOlder(event) ||
      begun.has(event.step) ||
      (turnOf(event.step) > 0 && turnOf(event.step) < turn),
  );
  return new Set(taken.map(({ sequence }) => sequence));
}

/** Checks what a fork has taken over, and what it does itself. */
export function checkFork(after: Aftermath, forked: Forked): void {
  const own = after.clients.whole.get(forked.plan.runId) ?? [];
  const sequences = takenOver(after, forked.plan.runId);
  const { taken = [], anew = [] } = Object.groupBy(own, ({ sequence }) =>
    sequences.has(sequence) ? 'taken' : 'anew',
  );
  checkTaken(after, forked, taken);
  checkAsked(after, forked, anew);
}

/**
 * F1: what led to the step of a fork is told as it was: of each step what the other run told of it, in its order, and all of the turns
 * before.
 */
function checkTaken(
  { world: { facts }, clients: { whole } }: Aftermath,
  { plan, fromRunId, atStep }: Forked,
  events: readonly RunEvent[],
): void {
  const taken = byStep(events);
  const source = byStep(whole.get(fromRunId) ?? []);
  for (const [step, texts] of taken) {
    const before = source.get(step)?.slice(0, texts.length) ?? [];
    if (before.join() !== texts.join()) {
      facts.violate('F1', `${plan.runId} at ${atStep} tells otherwise of ${step}`);
    }
  }
  const turn = turnOf(atStep);
  for (const [step, texts] of source) {
    if (turnOf(step) >= turn || turnOf(step) === 0) continue;
    if (taken.get(step)?.length !== texts.length) {
      facts.violate('F1', `${plan.runId} at ${atStep} does not tell all of ${step}`);
    }
  }
}

/** F2: what a fork does itself asks its own model. */
function checkAsked(
  { world: { facts } }: Aftermath,
  { plan, routeId }: Forked,
  events: readonly RunEvent[],
): void {
  for (const { step, body } of events) {
    if (body.type !== 'decision' || body.action !== 'UseModel' || body.resource === routeId)
      continue;
    facts.violate('F2', `${plan.runId} asks ${body.resource} in ${step}, not ${routeId}`);
  }
}

function turnOf(step: string): number {
  return Number(/^turn-(\d+)\//.exec(step)?.[1] ?? 0);
}

/** Texts of the events of each step. */
function byStep(events: readonly RunEvent[]): ReadonlyMap<string, readonly string[]> {
  const steps = Map.groupBy(
    events.filter(({ step }) => step !== ''),
    ({ step }) => step,
  );
  return new Map([...steps].map(([step, some]) => [step, some.map(({ body }) => textOf(body))]));
}

/** How long the run has taken is its own. */
function textOf(body: RunEventBody): string {
  if (body.type !== 'usage') return JSON.stringify(body);
  return JSON.stringify({ ...body, spent: { ...body.spent, durationMs: 0 } });
}

import { changeTerms, stepsWith } from '@modelhost/agent-core';
import { HostError } from '@modelhost/kernel';
import type { ModelRoute, RunInput } from '@modelhost/kernel';
import type { Clients } from './clients.ts';
import type { Host } from './deployment.ts';
import type { ForkPlan } from './draw-forks.ts';
import { insist } from './insist.ts';
import type { RunPlan } from './scenario.ts';
import type { World } from './world.ts';

/** A run, and the model that it asks itself. */
export interface Forkable {
  readonly plan: RunPlan;
  readonly routeId: string;
}

/** A fork that was started. */
export interface Forked extends Forkable {
  readonly fromRunId: string;
  readonly atStep: string;
}

/** Those who fork a run, and then perhaps the fork. */
export interface ForkClients {
  plan(fork: ForkPlan, from: RunPlan): void;
  readonly forks: readonly Forked[];
}

/** Puts forks on the clock; each is attended to as any run is. */
export function createForkClients(
  world: World,
  host: Host,
  options: {
    readonly whole: Clients['whole'];
    readonly attend: (work: Promise<void>) => void;
    readonly attendTo: (plan: RunPlan) => Promise<void>;
  },
): ForkClients {
  const { whole, attend, attendTo } = options;
  const forks: Forked[] = [];

  function plan(fork: ForkPlan, from: Forkable): void {
    world.clock.setTimer(fork.afterMs, () => attend(begin(fork, from)));
  }

  async function begin(fork: ForkPlan, from: Forkable): Promise<void> {
    const forked = await forkRun(world, host, { fork, from, whole });
    if (forked === undefined) return;
    forks.push(forked);
    if (fork.again !== null) plan(fork.again, forked);
    await attendTo(forked.plan);
  }

  return { forks, plan: (fork, first) => plan(fork, { plan: first, routeId: 'fake' }) };
}

/** All before the step was done as it was, and then there was no room for it. */
const endedBefore = 'it would end before, for lack of';

/** Forks a run at one of the steps that were shown; undefined where there is none yet, or it is refused. */
async function forkRun(
  world: World,
  host: Host,
  {
    fork,
    from,
    whole,
  }: {
    readonly fork: ForkPlan;
    readonly from: Forkable;
    readonly whole: Clients['whole'];
  },
): Promise<Forked | undefined> {
  const { plan: source } = from;
  const runId = source.runId === 'fork_1' ? 'fork_2' : 'fork_1';
  const routeId = fork.outputTokensMax === null ? from.routeId : `model of ${runId}`;
  const { clock, facts, governance } = world;
  const shown = whole.get(source.runId) ?? [];
  const steps = [...new Set(shown.map(({ step }) => step))].filter((step) =>
    /^turn-\d+\/(?:model|tool-\d+)$/.test(step),
  );
  const atStep = steps[Math.floor(fork.place * steps.length)];
  if (atStep === undefined) return undefined;
  const limits = { ...source.limits, ...fork.limits };
  const bundle = governance.rules === null ? null : fork.bundle;
  const change = (input: RunInput, firstStep: string): RunInput => {
    const changed = changeInput(input, bundle);
    return changeTerms(changed, firstStep, {
      route: otherRoute(changed, routeId, fork),
      budget: limits,
    });
  };
  const anew = (changed: RunInput, firstStep: string): readonly string[] =>
    stepsWith(changed, { atStep, firstStep });
  world.tasks.set(runId, world.tasks.get(source.runId) ?? '');
  if (bundle !== null) world.decidedUnder.set(runId, bundle);
  try {
    await insist(clock, async () =>
      host.fork(source.tenant, source.runId, { runId, atStep, change, anew }),
    );
  } catch (thrown) {
    if (!(thrown instanceof HostError) || thrown.code !== 'failed_precondition') throw thrown;
    if (!mayBeRefused(world, { fork, from: source, atStep, message: thrown.message })) {
      facts.violate('F1', `${source.runId} cannot be forked at ${atStep}: ${thrown.message}`);
    }
    return undefined;
  }
  const { cancelAfterMs } = fork;
  const plan = { ...source, runId, limits, cancelAfterMs, startAfterMs: 0 };
  return { plan, routeId, fromRunId: source.runId, atStep };
}

/** Whether a fork need not be taken: only steps of models have to be there in every run that nobody has stopped. */
function mayBeRefused(
  { facts }: World,
  refused: {
    readonly fork: ForkPlan;
    readonly from: RunPlan;
    readonly atStep: string;
    readonly message: string;
  },
): boolean {
  const { fork, from, atStep, message } = refused;
  const isStopped = facts.all.some(
    (fact) => fact.type === 'handed' && fact.runId === from.runId && fact.kind === 'stop',
  );
  // A smaller budget may end before the step; so may one of a conversation that another model holds without a cut.
  const isOver = fork.outputTokensMax !== null && message.includes(endedBefore);
  return fork.limits !== null || isOver || isStopped || !atStep.endsWith('/model');
}

/** As the host changes the input of a run for a fork of it. */
function changeInput(
  { session, bundle: _bundle, ...input }: RunInput,
  bundle: ForkPlan['bundle'],
): RunInput {
  const { turn: _turn, ...kept } = session ?? { turn: 0 };
  return {
    ...input,
    requestDigest: 'fork',
    ...('sessionId' in kept ? { session: kept } : {}),
    ...(bundle === null ? {} : { bundle }),
  };
}

function otherRoute(
  { agent: { route } }: RunInput,
  id: string,
  { outputTokensMax }: ForkPlan,
): ModelRoute {
  return outputTokensMax === null ? route : { ...route, id, outputTokensMax };
}

import { changeTerms, stepsWith } from '@modelhost/agent-core';
import { HostError } from '@modelhost/kernel';
import type { ModelRoute, RunInput } from '@modelhost/kernel';
import type { Clients } from './clients.ts';
import type { Host } from './deployment.ts';
import type { ForkPlan } from './draw-forks.ts';
import { insist } from './insist.ts';
import type { RunPlan } from './scenario.ts';
import type { World } from './world.ts';

/** A fork that was started. */
export interface Forked {
  readonly plan: RunPlan;
  readonly fromRunId: string;
  readonly atStep: string;
}

const forkRunId = 'fork_1';
/** All before the step was done as it was, and then there was no room for it. */
const endedBefore = 'it would end before, for lack of';

/** Forks a run at one of the steps that were shown; undefined where there is none yet, or it is refused. */
export async function forkRun(
  world: World,
  host: Host,
  {
    fork,
    from,
    whole,
  }: {
    readonly fork: ForkPlan;
    readonly from: RunPlan | undefined;
    readonly whole: Clients['whole'];
  },
): Promise<Forked | undefined> {
  if (from === undefined) return undefined;
  const { clock, facts, governance } = world;
  const shown = whole.get(from.runId) ?? [];
  const steps = [...new Set(shown.map(({ step }) => step))].filter((step) =>
    /^turn-\d+\/(?:model|tool-\d+)$/.test(step),
  );
  const atStep = steps[Math.floor(fork.place * steps.length)];
  if (atStep === undefined) return undefined;
  const limits = { ...from.limits, ...fork.limits };
  const bundle = governance.rules === null ? null : fork.bundle;
  const change = (input: RunInput, firstStep: string): RunInput => {
    const changed = changeInput(input, bundle);
    return changeTerms(changed, firstStep, { route: otherRoute(changed, fork), budget: limits });
  };
  const anew = (changed: RunInput, firstStep: string): readonly string[] =>
    stepsWith(changed, { atStep, firstStep });
  world.tasks.set(forkRunId, world.tasks.get(from.runId) ?? '');
  if (bundle !== null) world.decidedUnder.set(forkRunId, bundle);
  try {
    await insist(clock, async () =>
      host.fork(from.tenant, from.runId, { runId: forkRunId, atStep, anew, change }),
    );
  } catch (thrown) {
    if (!(thrown instanceof HostError) || thrown.code !== 'failed_precondition') throw thrown;
    if (!mayBeRefused(world, { fork, from, atStep, message: thrown.message })) {
      facts.violate('F1', `${from.runId} cannot be forked at ${atStep}: ${thrown.message}`);
    }
    return undefined;
  }
  const { cancelAfterMs } = fork;
  const plan = { ...from, runId: forkRunId, limits, cancelAfterMs, startAfterMs: 0 };
  return { plan, fromRunId: from.runId, atStep };
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

function otherRoute({ agent: { route } }: RunInput, { outputTokensMax }: ForkPlan): ModelRoute {
  return outputTokensMax === null ? route : { ...route, id: 'other', outputTokensMax };
}

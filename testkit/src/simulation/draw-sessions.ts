import type { Outside } from './outside.ts';
import type { Random } from './random.ts';
import { drawRun, tenants } from './scenario.ts';
import type { RunPlan, SessionsPlan } from './scenario.ts';

const share = 0.06;

/** Drawn apart from the rest of a world: one without sessions is the same as before there were any. */
export function takeSessions(outside: Outside): SessionsPlan | null {
  return outside.take('talks', drawSessions);
}

function drawSessions(random: Random): SessionsPlan | null {
  if (!random.chance(share)) return null;
  const tenant = random.pick(tenants);
  const count = random.pick([2, 3, 3, 4]);
  const runs = Array.from({ length: count }, (_, index) => drawSessionRun(random, tenant, index));
  return {
    runs,
    refusedTurns: runs.map(({ runId }) => runId).filter(() => random.chance(0.08)),
    branchShare: random.pick([0, 0.5, 1, 1]),
    deletions: Array.from({ length: random.pick([0, 0, 1, 1, 2]) }, () => ({
      name: random.pick(['talk', 'talk', 'branch']),
      afterMs: random.int(0, random.pick([600, 4_000])),
    })),
  };
}

function drawSessionRun(random: Random, tenant: string, index: number): RunPlan {
  const plan = drawRun(random, index + 1);
  return {
    ...plan,
    tenant,
    startAfterMs: random.int(0, random.pick([5, 300, 3_000])),
    limits: {
      ...plan.limits,
      stepsMax: random.int(1, 9),
      durationMsMax: Math.min(plan.limits.durationMsMax, 20_000),
    },
    hasHistory: false,
    followers: plan.followers.slice(1),
    session: {
      name: index > 0 && random.chance(0.3) ? 'branch' : 'talk',
      timeoutMs: random.pick([100, 2_000, 30_000]),
      patienceMs: random.chance(0.2) ? random.int(0, 300) : null,
      isTwice: random.chance(0.2),
    },
  };
}

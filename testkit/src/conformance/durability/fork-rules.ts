import assert from 'node:assert/strict';
import type { RunEvent } from '@modelhost/kernel';
import { createRandom } from '../../simulation/random.ts';
import { createVirtualClock } from '../../virtual-clock.ts';
import type { DurabilityRules } from './crash-rules.ts';
import { assertDurable, driveRun } from './drive.ts';
import { drawPlan } from './draw-plan.ts';
import { flatten } from './plan.ts';
import type { DurableWorld } from './world.ts';

/** Runs that go on from others. */
export const forkRules: DurabilityRules = {
  'a fork takes over what led to a step, and does that step and what follows anew': async (
    makeWorld,
  ) => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const random = createRandom(`fork-${seed}`);
      const plan = drawPlan(random);
      const steps = flatten(plan).filter(({ type }) => type === 'step');
      const clock = createVirtualClock();
      const world: DurableWorld = makeWorld({ clock, random });
      const crashesAt = random.chance(0.5) ? [random.int(1, 12)] : [];
      const driven = await driveRun({ world, clock, plan, crashesAt, parkAfterMs: 60_000 });
      assertDurable(driven, plan);
      // The crash is still to come.
      if (driven.crashes < crashesAt.length) continue;
      const { engine, seen } = driven;
      for (const [index, step] of steps.entries()) {
        if (step.type !== 'step') continue;
        seen.handed.clear();
        seen.begun.clear();
        const runId = `run_fork_${index}`;
        const metadata = { forked: 'yes' };
        const created = await engine.fork('acme', 'run_1', {
          runId,
          atStep: step.name,
          change: (input) => ({ ...input, metadata }),
        });
        assert.equal(created.created, true);
        await clock.advance(59_000);
        const status = await engine.status('acme', runId);
        assert.equal(status?.result?.ending.reason, 'completed');
        assert.deepEqual(status.metadata, metadata);
        assert.equal(seen.begun.get(step.name), 1);
        assert.deepEqual(seen.violations, []);
        const { signal } = new AbortController();
        const following = engine.follow('acme', runId, { afterSequence: 0, signal });
        const events: readonly RunEvent[] = await Array.fromAsync(following);
        assert.deepEqual(
          events.map(({ sequence }) => sequence),
          events.map((_, place) => place + 1),
        );
        const replayed = await engine.replay('acme', runId);
        assert.equal(JSON.stringify(replayed.events), JSON.stringify(events));
        assert.equal(replayed.digest, replayed.recordedDigest);
      }
    }
  },

  'nobody can fork a run that is not there, of another tenant, or at a step that never began':
    async (makeWorld) => {
      const clock = createVirtualClock();
      const world = makeWorld({ clock, random: createRandom('no-fork') });
      const plan = [{ type: 'tell', text: 'x' }] as const;
      const { engine } = await driveRun({ world, clock, plan, crashesAt: [], parkAfterMs: 60_000 });
      const fork = { runId: 'run_2', atStep: 'step', change: <T>(input: T): T => input };
      for (const [tenant, runId, code] of [
        ['acme', 'run_9', 'not_found'],
        ['evil', 'run_1', 'not_found'],
        ['acme', 'run_1', 'failed_precondition'],
      ] as const) {
        await assert.rejects(engine.fork(tenant, runId, fork), { code });
      }
    },
};

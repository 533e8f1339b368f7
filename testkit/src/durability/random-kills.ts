import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Owner } from '../end-to-end/start-host.ts';
import { createRandom } from '../simulation/random.ts';
import { checkEffects, checkRun, readEffects } from './checks.ts';
import { countOf, seeTurns } from './every-write.ts';
import type { EveryWrite } from './every-write.ts';
import { createShortTask, createTask, setStage } from './stage.ts';
import { isCompleted, watchRun } from './watched-run.ts';
import type { WatchedRun } from './watched-run.ts';

/** What came of it. */
export interface RandomKills extends EveryWrite {
  readonly completed: number;
  readonly connections: number;
}

/** Kills a host at random moments while many runs are under way, until it was killed often enough; then all runs end. */
export async function killAtRandom(
  owner: Owner,
  options: { readonly kills: number; readonly runsInFlight: number; readonly seed: string },
): Promise<RandomKills> {
  const random = createRandom(options.seed);
  const { lives, model, effectsPath } = await setStage(owner, () => []);
  const runs: WatchedRun[] = [];
  const faults: unknown[] = [];
  const left = { kills: options.kills };
  let started = 0;

  async function keepRunning(): Promise<void> {
    do {
      started += 1;
      const name = `run-${started}`;
      const task = random.chance(0.5) ? createTask(name) : createShortTask(name);
      const cancelAfter = random.chance(0.15) ? random.int(2, 30) : 0;
      runs.push(await watchRun(lives, { task, cancelAfter }, seeTurns(name, model)));
    } while (left.kills > 0 && faults.length === 0);
  }

  const running = Promise.all(
    Array.from({ length: options.runsInFlight }, async () =>
      keepRunning().catch((fault: unknown) => faults.push(fault)),
    ),
  );
  while (left.kills > 0 && faults.length === 0) {
    const { ended } = await lives.current();
    await delay(random.int(0, 1_200));
    lives.kill();
    if (!ended.aborted) {
      await new Promise((resolve) => ended.addEventListener('abort', resolve, { once: true }));
    }
    left.kills -= 1;
  }
  await running;
  assert.deepEqual(faults, []);
  const { client } = await lives.current();
  for (const run of runs) await checkRun(client, run);
  const kills = lives.count() - 1;
  await lives.close();
  const effects = checkEffects(runs, await readEffects(effectsPath));
  assert.deepEqual(model.violations, []);
  return {
    ...effects,
    ...countOf(runs),
    kills,
    modelRequests: model.requests(),
    completed: runs.filter(isCompleted).length,
    connections: runs.reduce((sum, run) => sum + run.connections, 0),
  };
}

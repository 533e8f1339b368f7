import assert from 'node:assert/strict';
import type { RunEvent } from '@modelhost/contracts';
import type { Owner } from '../end-to-end/start-host.ts';
import { checkEffects, checkRun, readEffects } from './checks.ts';
import type { EffectCount, ModelWatch } from './checks.ts';
import { createTask, setStage } from './stage.ts';
import { watchRun } from './watched-run.ts';
import type { WatchedRun } from './watched-run.ts';

/** What came of it. */
export interface EveryWrite extends EffectCount {
  readonly runs: number;
  readonly kills: number;
  readonly modelRequests: number;
  readonly resets: number;
  readonly unknown: number;
}

/**
 * Kills a host by SIGKILL right before a write of a run, and another one right after it was durable, for every `stride`-th write
 * of that run, until a run has no more writes. Each run goes on in the next process, which then is killed in the run after it.
 */
export async function killAtEveryWrite(
  owner: Owner,
  options: { readonly stride: number; readonly pointsMax: number },
): Promise<EveryWrite> {
  const { stride, pointsMax } = options;
  let point = 0;
  const execArgv = (): readonly string[] => {
    point += 1;
    const write = 1 + Math.floor((point - 1) / 2) * stride;
    const when = point % 2 === 1 ? 'before' : 'after';
    const hook = new URL(`kill-hook.ts?write=${write}&when=${when}`, import.meta.url).href;
    return ['--import', hook];
  };
  const { lives, model, effectsPath } = await setStage(owner, execArgv);
  const runs: WatchedRun[] = [];
  for (let isKilled = true; isKilled && runs.length < pointsMax;) {
    const before = lives.count();
    const task = createTask(`run-${runs.length + 1}`);
    runs.push(await watchRun(lives, { task, cancelAfter: 0 }, seeTurns(task.name, model)));
    isKilled = lives.count() > before;
  }
  const { client } = await lives.current();
  for (const run of runs) await checkRun(client, run);
  assert.deepEqual(model.violations, []);
  const kills = lives.count() - 1;
  await lives.close();
  const effects = checkEffects(runs, await readEffects(effectsPath));
  return { ...effects, ...countOf(runs), kills, modelRequests: model.requests() };
}

/** Tells the watch of each turn whose end the client has seen. */
export function seeTurns(name: string, { onTurnSeen }: ModelWatch): (event: RunEvent) => void {
  return ({ step, event }) => {
    const turn = /^turn-(\d+)\/model$/.exec(step)?.[1];
    if (event.case !== 'stepFinished' || turn === undefined) return;
    onTurnSeen({ name, turn: Number(turn), isAnswered: event.value.finishReason !== 'none' });
  };
}

/** What the runs were like. */
export function countOf(
  runs: readonly WatchedRun[],
): Pick<EveryWrite, 'runs' | 'resets' | 'unknown'> {
  const events = runs.flatMap((run) => run.events);
  return {
    runs: runs.length,
    resets: events.filter(({ event }) => event.case === 'stepReset').length,
    unknown: events.filter(
      ({ event }) => event.case === 'toolFinished' && event.value.content.includes('is unknown'),
    ).length,
  };
}

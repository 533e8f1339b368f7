import type { Owner } from '../end-to-end/start-host.ts';
import type { Suite } from './dataset.ts';
import { playAttacks, playBenign, playTexts, playUniversal } from './evaluate.ts';
import { openPolicy, readDefaultPolicy, startHostFor } from './host.ts';
import type { Evaluation } from './report.ts';
import { openTheatres } from './theatre.ts';
import { createWorld } from './world.ts';

/** How the suites are played. */
export interface EvaluationOptions {
  /** Cases of one suite at a time. */
  readonly stagesEach: number;
  /** Of the other names. */
  readonly seed: number;
  /** Tasks of each suite against which what only supports the rest is played: attacks without the policy, the universal attacker. */
  readonly tasksMax: number;
  /** Told at the end of each part. */
  readonly onPart: (part: string) => void;
}

const silent = { place: 'end', isSilent: true } as const;

/** Plays everything against one host; what was started for it ends with the owner. */
export async function runEvaluation(
  owner: Owner,
  suites: readonly Suite[],
  { stagesEach, seed, tasksMax, onPart }: EvaluationOptions,
): Promise<Evaluation> {
  const { plain, renamed, stages } = openTheatres(suites, { stagesEach, seed });
  const world = await createWorld(stages);
  owner.after(async () => world[Symbol.asyncDispose]());
  const policies = await readDefaultPolicy();
  const people = await startHostFor(owner, { stages, world, policies });
  // Without the policy the same attacks have to succeed, or the evaluation would show nothing.
  const unguarded = await startHostFor(owner, { stages, world, policies: openPolicy });

  const few = plain.map((theatre) => {
    const { suite } = theatre;
    return { ...theatre, suite: { ...suite, userTasks: suite.userTasks.slice(0, tasksMax) } };
  });

  async function part<Figures>(name: string, figures: Promise<Figures>): Promise<Figures> {
    const done = await figures;
    onPart(name);
    return done;
  }

  return {
    unguarded: await part('recorded attacks without the policy', playAttacks(unguarded, few)),
    benign: await part('tasks', playBenign(people, plain)),
    attacks: await part('recorded attacks', playAttacks(people, plain)),
    silentAttacks: await part(
      'the same without a word, at the end',
      playAttacks(people, plain, silent),
    ),
    texts: await part('attacks that only want something said', playTexts(people, plain)),
    universal: await part('universal attacker', playUniversal(people, few)),
    renamedBenign: await part('tasks with other names', playBenign(people, renamed)),
    renamedAttacks: await part('attacks with other names', playAttacks(people, renamed)),
  };
}

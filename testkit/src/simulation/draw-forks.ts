import type { BudgetLimits } from '@modelhost/kernel';
import type { Outside } from './outside.ts';
import type { Random } from './random.ts';
import { ruleSetNames } from './rules.ts';
import type { RuleSetName } from './rules.ts';

/** A run that goes on from a step of the first one, or of a fork of that, under other settings. */
export interface ForkPlan {
  readonly afterMs: number;
  /** Which of the steps that were shown by then: from 0 for the first to 1 for the last. */
  readonly place: number;
  /** Of the model's answers; null for as many as before. */
  readonly outputTokensMax: number | null;
  /** Null for the budget as it was. */
  readonly limits: Partial<BudgetLimits> | null;
  /** Rules that decide for it in the place of the platform's, where rules decide; null for those that are in force. */
  readonly bundle: RuleSetName | null;
  readonly cancelAfterMs: number | null;
  /** A fork of it. */
  readonly again: ForkPlan | null;
}

/** The rules that forks bring. */
export function bundlesOf(fork: ForkPlan | null): readonly RuleSetName[] {
  return [fork?.bundle, fork?.again?.bundle].filter(
    (bundle) => bundle !== null && bundle !== undefined,
  );
}

const share = 0.06;

/** Drawn apart from the rest of a world. */
export function takeFork(outside: Outside): ForkPlan | null {
  return outside.take('forks', drawFork);
}

function drawFork(random: Random): ForkPlan | null {
  if (!random.chance(share)) return null;
  const first = drawPlan(random);
  return { ...first, again: random.chance(0.6) ? { ...drawPlan(random), again: null } : null };
}

function drawPlan(random: Random): Omit<ForkPlan, 'again'> {
  return {
    afterMs: random.int(20, random.pick([300, 1_500, 8_000])),
    place: random.next(),
    outputTokensMax: random.chance(0.3) ? random.int(1, 400) : null,
    limits: random.chance(0.3) ? { stepsMax: random.int(2, 20) } : null,
    bundle: random.chance(0.6) ? random.pick(ruleSetNames) : null,
    cancelAfterMs: random.chance(0.2) ? random.int(0, 600) : null,
  };
}

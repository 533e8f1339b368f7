import { bundlesOf, takeFork } from './draw-forks.ts';
import type { Outside } from './outside.ts';
import type { Random } from './random.ts';
import { ruleSetNames } from './rules.ts';
import type { RuleSetName } from './rules.ts';
import { worldStartMs } from './scenario.ts';
import { drawWindow } from './window.ts';
import type { WindowPlan } from './window.ts';

/**
 * How a host is governed, drawn apart from the rest of its world: a seed whose policy is scripted is the same world as without
 * these.
 */
export interface Governance {
  /** Of each process, the first one first, the last for all after it; null where policy is scripted. */
  readonly rules: readonly [RuleSetName, ...RuleSetName[]] | null;
  /** The rules are others from a moment on, in every process from then on; null for never. */
  readonly reload: { readonly atMs: number; readonly rules: RuleSetName } | null;
  /** Rules that forks bring along. */
  readonly brought: readonly RuleSetName[];
  /** Null where the models read as much as they are ever sent. */
  readonly window: WindowPlan | null;
}

/** Each is drawn by itself, so that what is added does not change the others. */
export function takeGovernance(outside: Outside): Governance {
  return {
    rules: outside.take('governance', drawRules),
    reload: outside.take('reloads', drawReload),
    brought: bundlesOf(takeFork(outside)),
    window: outside.take('reading', drawReading),
  };
}

/** Half of the worlds have rules, some of which are others after a restart. */
function drawRules(random: Random): Governance['rules'] {
  if (!random.chance(0.5)) return null;
  const first = random.pick(ruleSetNames);
  return [first, random.chance(0.3) ? random.pick(ruleSetNames) : first];
}

function drawReading(random: Random): Governance['window'] {
  return random.chance(0.3) ? drawWindow(random) : null;
}

function drawReload(random: Random): Governance['reload'] {
  if (!random.chance(0.2)) return null;
  return { atMs: worldStartMs + random.int(1, 500), rules: random.pick(ruleSetNames) };
}

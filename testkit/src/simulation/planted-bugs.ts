import { crashBugs } from './crash-mutants.ts';
import { loopBugs } from './mutants.ts';
import type { Bug } from './mutants.ts';

/**
 * A planted bug, and a seed at which its law finds it. A change that draws otherwise may move it: then it is looked for from the
 * first seed on, which takes longer, and `main.ts --mutants` says where it is now.
 */
export interface PlantedBug extends Bug {
  readonly seed: number;
}

const seeds: Readonly<Record<string, number>> = {
  'audit-after-effect': 2,
  'input-unrecorded': 7,
  'input-forged': 7,
  'no-reservation': 1,
  'charged-twice': 1,
  'effect-after-cancel': 723,
  'executed-twice': 4,
  'deny-ignored': 6,
  'hold-ignored': 4,
  'event-gap': 3,
  'two-endings': 1,
  'answer-counts-twice': 4,
  'vote-forged': 164,
  'approval-used-twice': 4,
  'taint-forgotten': 5,
  'history-believed': 5,
  'redacted-by-piece': 4,
  'flushed-on-abort': 165,
  'end-forgotten': 7,
  'results-not-redacted': 7,
  'revealed-to-all': 7,
  'comments-not-redacted': 6,
  'tenant-ignored': 1,
  'listener-left': 1,
  'buffer-without-bound': 370,
  'never-ends': 1,
  'events-not-told': 1,
  'hidden-state': 1,
  'clock-touched': 1,
  'acknowledged-before-durable': 5,
  'once-as-plain-step': 27,
  'results-not-kept': 2,
  'lost-attempts-free': 2,
  'cancel-not-kept': 190,
  'signals-not-told-apart': 4,
  'reset-not-told': 5,
  'two-writers': 278,
  'drain-leaves-runs': 70,
};

/** All of them, by name. */
export const plantedBugs: Readonly<Record<string, PlantedBug>> = Object.fromEntries(
  Object.entries({ ...loopBugs, ...crashBugs }).map(([name, bug]) => [
    name,
    { ...bug, seed: seeds[name] ?? 0 },
  ]),
);

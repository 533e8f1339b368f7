import { crashBugs } from './crash-mutants.ts';
import { forkBugs } from './fork-mutants.ts';
import { keptBugs } from './kept-mutants.ts';
import { loopBugs } from './mutants.ts';
import type { Bug } from './mutants.ts';
import { ruleBugs } from './rule-mutants.ts';
import { sessionBugs } from './session-mutants.ts';
import { windowBugs } from './window-mutants.ts';

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
  'effect-after-cancel': 42,
  'executed-twice': 4,
  'deny-ignored': 7,
  'hold-ignored': 53,
  'event-gap': 3,
  'two-endings': 1,
  'answer-counts-twice': 7,
  'vote-forged': 80,
  'approval-used-twice': 80,
  'taint-forgotten': 5,
  'history-believed': 5,
  'redacted-by-piece': 4,
  'flushed-on-abort': 304,
  'end-forgotten': 7,
  'results-not-redacted': 7,
  'revealed-to-all': 7,
  'comments-not-redacted': 80,
  'tenant-ignored': 1,
  'listener-left': 1,
  'buffer-without-bound': 370,
  'never-ends': 1,
  'events-not-told': 1,
  'hidden-state': 1,
  'clock-touched': 1,
  'acknowledged-before-durable': 12,
  'once-as-plain-step': 27,
  'results-not-kept': 2,
  'lost-attempts-free': 2,
  'lost-at-stop-free': 34,
  'cancel-not-kept': 265,
  'signals-not-told-apart': 7,
  'reset-not-told': 5,
  'two-writers': 278,
  'drain-leaves-runs': 72,
  'old-rules': 3,
  'reload-ignored': 4,
  'answer-remembered': 51,
  'hidden-tool-shown': 3,
  'calls-uncounted': 368,
  'obligations-forgotten': 6,
  'decision-misreported': 1,
  'answer-not-shortened': 17,
  'call-not-hurried': 6,
  'window-forgotten': 2,
  'task-left-out': 2,
  'results-left-out': 2,
  'compaction-misreported': 2,
  'summary-free': 19,
  'taint-compacted': 82,
  'results-hidden-always-only': 55,
  'answers-hidden-always-only': 42,
  'placeholders-unsealed': 4,
  'comments-kept': 80,
  'sealed-as-sent': 55,
  'session-taken-away': 34,
  'session-polled': 402,
  'turn-cut-off': 34,
  'turn-forgotten': 34,
  'placeholders-forgotten': 95,
  'history-not-sent': 34,
  'deleted-later': 34,
  'deleted-in-use': 98,
  'never-taken-over': 77,
  'fork-begins-anew': 289,
  'fork-refused': 58,
  'terms-forgotten': 141,
  'old-terms-kept': 726,
  'bundle-forgotten': 24,
};

/** All of them, by name. */
export const plantedBugs: Readonly<Record<string, PlantedBug>> = Object.fromEntries(
  Object.entries({
    ...loopBugs,
    ...crashBugs,
    ...ruleBugs,
    ...windowBugs,
    ...keptBugs,
    ...sessionBugs,
    ...forkBugs,
  }).map(([name, bug]) => [name, { ...bug, seed: seeds[name] ?? 0 }]),
);

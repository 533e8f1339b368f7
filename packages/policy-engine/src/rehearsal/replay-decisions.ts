import { setImmediate } from 'node:timers/promises';
import type { PolicyAction, PolicyEngine } from '@modelhost/kernel';
import { createGroups } from './change-groups.ts';
import type { DecisionGroup, GroupBound } from './change-groups.ts';
import { compareDecisions } from './compare-decisions.ts';
import type { DecisionChange } from './compare-decisions.ts';
import { askAgain, isFault } from './ask-again.ts';
import type { RuleReader } from './ask-again.ts';
import { nameResource } from './recorded-decision.ts';
import type { RecordedDecision } from './recorded-decision.ts';

/** What a rehearsal asks of the rules that are tried. A decision point does. */
export interface RehearsalCandidate extends Pick<PolicyEngine, 'decide' | 'digest'>, RuleReader {}

/** Bounds of a rehearsal. */
export interface RehearsalBound extends GroupBound {
  readonly decisionsMax: number;
}

/** What to try on what. */
export interface ReplayOptions {
  /** Oldest first. */
  readonly recorded: AsyncIterable<RecordedDecision>;
  readonly candidate: RehearsalCandidate;
  readonly bound?: RehearsalBound;
  readonly signal?: AbortSignal;
}

/** What a group of changed decisions has in common. */
export interface ChangeKey extends DecisionChange {
  readonly action: PolicyAction;
  /** Name of the tool, model or agent; empty for what has none. */
  readonly resource: string;
}

/** What a group of decisions that could not be made again has in common. */
export interface UndecidableKey {
  /** The rule that reads a masked value; `policy-error` or `arguments-not-kept` when it lies in no single rule. */
  readonly rule: string;
  readonly resource: string;
}

/** What would change. Holds ids, names and counts only, never a value of a request. */
export interface RehearsalReport {
  /** Of the rules that were tried. */
  readonly policyDigest: string;
  /** Of the first and the last decision that was read; undefined when there was none. */
  readonly period: { readonly sinceMs: number; readonly untilMs: number } | undefined;
  /** Decisions that were read: `unchanged`, `changed` and `undecidable` together. */
  readonly decisions: number;
  readonly unchanged: number;
  readonly changed: number;
  readonly undecidable: number;
  /** False when there are more recorded decisions than the bound. */
  readonly isComplete: boolean;
  /** A decision stands in each group that it belongs to. */
  readonly changes: readonly DecisionGroup<ChangeKey>[];
  readonly undecided: readonly DecisionGroup<UndecidableKey>[];
  /** How often a decision would have begun a group past the bound. */
  readonly groupsOmitted: number;
}

const defaultBound: RehearsalBound = {
  decisionsMax: 1_000_000,
  groupsMax: 500,
  examplesMax: 5,
};

/** A few milliseconds of deciding. */
const decisionsAtOnce = 8;

/**
 * Makes recorded decisions again under other rules and says what would change. The same records and rules give the same report.
 * Other work goes on in between. Rejects when the signal aborts, or the records cannot be read.
 */
export async function replayDecisions(options: ReplayOptions): Promise<RehearsalReport> {
  const { recorded, candidate, bound = defaultBound, signal } = options;
  const changes = createGroups<ChangeKey>(bound);
  const undecided = createGroups<UndecidableKey>(bound);
  const counts = { unchanged: 0, changed: 0, undecidable: 0 };
  let decisions = 0;
  let isComplete = true;
  let period: RehearsalReport['period'];

  for await (const one of recorded) {
    signal?.throwIfAborted();
    if (decisions >= bound.decisionsMax) {
      isComplete = false;
      break;
    }
    decisions += 1;
    period = { sinceMs: period?.sinceMs ?? one.timeMs, untilMs: one.timeMs };
    const outcome = await decideAgain(one, candidate);
    counts[outcome.type] += 1;
    const { action } = one.request;
    const resource = nameResource(one.request.resource);
    switch (outcome.type) {
      case 'unchanged':
        break;
      case 'changed':
        for (const { kind, cause } of outcome.changes) {
          changes.add({ kind, cause, action, resource }, one);
        }
        break;
      case 'undecidable':
        for (const rule of outcome.rules) undecided.add({ rule, resource }, one);
        break;
    }
    if (decisions % decisionsAtOnce === 0) await setImmediate();
  }
  return {
    policyDigest: candidate.digest(),
    period,
    decisions,
    ...counts,
    isComplete,
    changes: changes.groups(),
    undecided: undecided.groups(),
    groupsOmitted: changes.omitted() + undecided.omitted(),
  };
}

type Outcome =
  | { readonly type: 'unchanged' }
  | { readonly type: 'changed'; readonly changes: readonly DecisionChange[] }
  | { readonly type: 'undecidable'; readonly rules: readonly string[] };

async function decideAgain(
  recorded: RecordedDecision,
  candidate: RehearsalCandidate,
): Promise<Outcome> {
  const asked = askAgain(recorded, candidate);
  if (asked.type === 'undecidable') return asked;
  const again = await candidate.decide(asked.request);
  // What stands for a value may be refused although the value was not.
  if (recorded.masked.length > 0 && isFault(again)) {
    return { type: 'undecidable', rules: ['policy-error'] };
  }
  const changes = compareDecisions(recorded.decision, again);
  return changes.length === 0 ? { type: 'unchanged' } : { type: 'changed', changes };
}

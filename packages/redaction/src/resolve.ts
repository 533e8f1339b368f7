import type { Detected, Finding } from './finding.ts';
import type { WorkBudget } from './work-budget.ts';

/** A finding in view offsets, with its rank: of two that overlap the higher one gives the name. */
export interface Candidate extends Finding {
  readonly rank: number;
}

/** What a search takes from, and what it adds to. */
export interface SearchWork {
  readonly budget: WorkBudget;
  readonly found: Candidate[];
}

interface Stretch extends Detected {
  readonly rank: number;
}

/** Joins what overlaps into one stretch, named after the highest rank, then the longest; the others stay known. */
export function resolveOverlaps(candidates: readonly Candidate[]): readonly Detected[] {
  if (candidates.length === 1) return candidates.map(named);
  const ordered = candidates.toSorted((a, b) => a.start - b.start || b.end - a.end);
  const resolved: Stretch[] = [];
  for (const candidate of ordered) {
    const last = resolved.at(-1);
    if (last === undefined || candidate.start >= last.end) {
      resolved.push({ ...candidate, others: none });
    } else {
      resolved[resolved.length - 1] = join(last, candidate);
    }
  }
  return resolved.map(named);
}

const none: Detected['others'] = [];

function named({
  detector,
  kind,
  start,
  end,
  others = none,
}: Candidate & Partial<Detected>): Detected {
  return { detector, kind, start, end, others };
}

function join(first: Stretch, second: Candidate): Stretch {
  const isSecond = isStronger(second, first);
  const [strong, other] = isSecond ? [second, first] : [first, second];
  const names = isSecond ? first.others.filter((name) => !isSame(name, second)) : first.others;
  const isKnown = isSame(strong, other) || names.some((name) => isSame(name, other));
  const { detector, kind, rank } = strong;
  return {
    detector,
    kind,
    rank,
    start: first.start,
    end: Math.max(first.end, second.end),
    others: isKnown ? names : [...names, { detector: other.detector, kind: other.kind }],
  };
}

type Named = Pick<Finding, 'detector' | 'kind'>;

function isSame(one: Named, other: Named): boolean {
  return one.detector === other.detector && one.kind === other.kind;
}

function isStronger(one: Candidate, other: Candidate): boolean {
  if (one.rank !== other.rank) {
    return one.rank > other.rank;
  }
  return one.end - one.start > other.end - other.start;
}

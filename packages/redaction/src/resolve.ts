import type { Finding } from './finding.ts';

/** A finding in view offsets, with its rank: of two that overlap the higher one gives the name. */
export interface Candidate extends Finding {
  readonly rank: number;
}

/** Joins what overlaps into one stretch, named after the highest rank, then the longest. */
export function resolveOverlaps(candidates: readonly Candidate[]): readonly Finding[] {
  const ordered = candidates.toSorted((a, b) => a.start - b.start || b.end - a.end);
  const resolved: Candidate[] = [];
  for (const candidate of ordered) {
    const last = resolved.at(-1);
    if (last === undefined || candidate.start >= last.end) {
      resolved.push(candidate);
    } else {
      resolved[resolved.length - 1] = join(last, candidate);
    }
  }
  return resolved.map(({ detector, kind, start, end }) => ({ detector, kind, start, end }));
}

function join(first: Candidate, second: Candidate): Candidate {
  const named = isStronger(second, first) ? second : first;
  return { ...named, start: first.start, end: Math.max(first.end, second.end) };
}

function isStronger(one: Candidate, other: Candidate): boolean {
  if (one.rank !== other.rank) {
    return one.rank > other.rank;
  }
  return one.end - one.start > other.end - other.start;
}

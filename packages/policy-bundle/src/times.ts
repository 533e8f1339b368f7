/** How far the clocks of signer and host may be apart. */
export const clockSkewMs = 300_000;

/** `stale` is past the end and within the grace that the caller allowed. */
export type Phase = 'valid' | 'stale' | 'over';

/** When clocks are read: now, and how much longer than its end something that is in use may be used. */
export interface Moment {
  readonly nowMs: number;
  readonly graceMs: number;
}

/** RFC 3339 in UTC with seconds, the one form that is written; undefined for all else, and for days that do not exist. */
export function readTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return undefined;
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs)) return undefined;
  return new Date(timeMs).toISOString() === text.replace('Z', '.000Z') ? timeMs : undefined;
}

/** How something that ends at this time stands; a time that cannot be read is over. */
export function phaseOf(ends: string, moment: Moment): Phase {
  const endsMs = readTime(ends) ?? Number.NEGATIVE_INFINITY;
  if (moment.nowMs < endsMs + clockSkewMs) return 'valid';
  return moment.nowMs < endsMs + clockSkewMs + moment.graceMs ? 'stale' : 'over';
}

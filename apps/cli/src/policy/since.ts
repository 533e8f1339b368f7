import type { Timestamp } from '@bufbuild/protobuf/wkt';

/** A moment, or a span before now. */
export type Since =
  | { readonly type: 'at'; readonly timeMs: number }
  | { readonly type: 'ago'; readonly spanMs: number };

/** Milliseconds since the Unix epoch. */
export function toSinceMs(since: Since, nowMs: number): number {
  switch (since.type) {
    case 'at':
      return since.timeMs;
    case 'ago':
      return Math.max(0, nowMs - since.spanMs);
  }
}

/** A time as people read it; empty for none. */
export function formatMoment(time: Timestamp | undefined): string {
  if (time === undefined) return '';
  const { seconds } = time;
  return new Date(Number(seconds) * 1_000).toISOString().replace('.000Z', 'Z');
}

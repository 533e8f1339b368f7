import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { Timestamp } from '@bufbuild/protobuf/wkt';

/** A time to the millisecond, in UTC; empty for none. */
export function formatTime(time: Timestamp | undefined): string {
  return time === undefined ? '' : timestampDate(time).toISOString();
}

/** A time on the clock of whoever reads it; with its day unless that is the day of `asOf`. */
export function formatClock(time: Timestamp, asOf: Date | undefined): string {
  const at = timestampDate(time);
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':');
  const day = dayOf(at);
  return asOf !== undefined && dayOf(asOf) === day ? clock : `${day} ${clock}`;
}

/** `40 s`, `15 min`, `3 h` or `2 days`: rounded, and never less than nothing. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  const hours = Math.round(seconds / 3_600);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

function dayOf(at: Date): string {
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(twoDigits).join('-');
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { formatClock, formatSpan } from './times.ts';

// Local, so that the clock of whoever runs the test does not matter.
const asked = new Date(2026, 10, 25, 23, 50, 7);

test('a time of the same day is a clock, and any other has its day', () => {
  const later = timestampFromDate(new Date(2026, 10, 25, 23, 59, 59));
  const next = timestampFromDate(new Date(2026, 10, 26, 0, 5, 0));
  assert.equal(formatClock(later, asked), '23:59:59');
  assert.equal(formatClock(next, asked), '2026-11-26 00:05:00');
  assert.equal(formatClock(later, undefined), '2026-11-25 23:59:59');
});

test('a span is read in one unit, and what is over is no time', () => {
  const spans = [-5, 400, 89_000, 120_000, 899_900, 5_400_000, 86_400_000, 604_800_000];
  assert.deepEqual(spans.map(formatSpan), [
    '0 s',
    '0 s',
    '89 s',
    '2 min',
    '15 min',
    '2 h',
    '24 h',
    '7 days',
  ]);
});

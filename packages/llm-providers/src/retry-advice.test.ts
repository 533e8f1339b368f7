import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import fc from 'fast-check';

import { readRetryAdvice, readSpanMs } from './retry-advice.ts';

const date = 'Tue, 24 Nov 2026 10:00:00 GMT';
const nowMs = Date.parse(date);

function advice(headers: Readonly<Record<string, string>>, hint?: number): number | undefined {
  return readRetryAdvice((name) => headers[name], hint);
}

suite('retry advice', () => {
  const rows: readonly (readonly [string, Readonly<Record<string, string>>, number | undefined])[] =
    [
      ['none', {}, undefined],
      ['seconds', { 'retry-after': '20' }, 20_000],
      ['parts of a second', { 'retry-after': '0.25' }, 250],
      ['milliseconds before seconds', { 'retry-after-ms': '1500', 'retry-after': '2' }, 1_500],
      ['a date', { date, 'retry-after': 'Tue, 24 Nov 2026 10:00:30 GMT' }, 30_000],
      ['a date in the past', { date, 'retry-after': 'Tue, 24 Nov 2026 09:00:00 GMT' }, 0],
      ['a date without a clock', { 'retry-after': 'Tue, 24 Nov 2026 10:00:30 GMT' }, undefined],
      ['more than a day', { 'retry-after': '9999999' }, 86_400_000],
      ['nonsense', { date, 'retry-after': 'soon', 'x-ratelimit-reset': '-5' }, undefined],
      ['a span', { 'x-ratelimit-reset-requests': '6m0s' }, 360_000],
      ['the longest span', resets('20ms', '1.5s'), 1_500],
      [
        'the window that is used up',
        { ...resets('9s', '2s'), 'x-ratelimit-remaining-tokens': '0' },
        2_000,
      ],
      ['an epoch in milliseconds', { date, 'x-ratelimit-reset': String(nowMs + 4_000) }, 4_000],
      ['an epoch in seconds', { date, 'x-ratelimit-reset': String(nowMs / 1_000 + 4) }, 4_000],
      [
        'a timestamp',
        { date, 'anthropic-ratelimit-requests-reset': '2026-11-24T10:00:07Z' },
        7_000,
      ],
    ];
  for (const [title, headers, expected] of rows) {
    test(`from headers: ${title}`, () => assert.equal(advice(headers), expected));
  }

  test('the body comes after Retry-After and before the windows', () => {
    assert.equal(advice({ 'retry-after': '1' }, 9_000), 1_000);
    assert.equal(advice(resets('1s', '1s'), 9_000), 9_000);
  });

  test('is always a whole number between 0 and a day, whatever the headers hold', () => {
    const text = fc.oneof(fc.string(), fc.double().map(String), fc.date().map(String));
    fc.assert(
      fc.property(text, text, text, (retryAfter, reset, milliseconds) => {
        const found = advice({
          date,
          'retry-after': retryAfter,
          'x-ratelimit-reset': reset,
          'retry-after-ms': milliseconds,
        });
        assert.ok(
          found === undefined || (Number.isInteger(found) && found >= 0 && found <= 86_400_000),
        );
      }),
    );
  });

  test('reads spans and nothing else', () => {
    assert.equal(readSpanMs('1h2m3.5s'), 3_723_500);
    assert.equal(readSpanMs('34.5s'), 34_500);
    for (const text of ['', '5', 's', '5d', '1m 2s', '-1s'])
      assert.equal(readSpanMs(text), undefined);
  });
});

function resets(requests: string, tokens: string): Readonly<Record<string, string>> {
  return { 'x-ratelimit-reset-requests': requests, 'x-ratelimit-reset-tokens': tokens };
}

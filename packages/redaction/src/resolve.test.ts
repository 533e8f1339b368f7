import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createDetectors } from './detectors.ts';
import { resolveOverlaps } from './resolve.ts';
import { createRedactor } from './stream/redactor.ts';
import { allStyles } from './fixtures/texts.ts';
import { stricter, styleOf } from './styles/style.ts';

const names = ['a', 'b', 'c'] as const;
const styles = fc.record({
  a: fc.constantFrom(...allStyles),
  b: fc.constantFrom(...allStyles),
  c: fc.constantFrom(...allStyles),
});
const candidates = fc.array(
  fc.record({
    detector: fc.constantFrom(...names),
    kind: fc.constant('X'),
    start: fc.nat(20),
    size: fc.integer({ min: 1, max: 8 }),
    rank: fc.nat(3),
  }),
  { maxLength: 8 },
);

test('no part of a value is hidden less strictly than any detector that claims it asks', () => {
  fc.assert(
    fc.property(candidates, styles, (claims, chosen) => {
      const all = claims.map(({ size, ...claim }) => ({ ...claim, end: claim.start + size }));
      const resolved = resolveOverlaps(all);
      for (const { detector, start, end } of all) {
        const stretch = resolved.find((each) => each.start <= start && each.end >= end);
        assert.ok(stretch !== undefined);
        const style = styleOf(chosen, stretch);
        assert.equal(stricter(style, chosen[detector]), style);
      }
    }),
    { numRuns: 500 },
  );
});

test('what overlaps is named after the highest rank, and then after the longest', () => {
  const claim = { kind: 'X', start: 0, rank: 1 };
  const [stretch, ...rest] = resolveOverlaps([
    { ...claim, detector: 'a', end: 9 },
    { ...claim, detector: 'b', end: 4, rank: 2 },
    { ...claim, detector: 'a', end: 7 },
    { ...claim, detector: 'c', start: 5, end: 12 },
  ]);
  assert.deepEqual(rest, []);
  assert.deepEqual(stretch, {
    detector: 'b',
    kind: 'X',
    start: 0,
    end: 12,
    others: [
      { detector: 'a', kind: 'X' },
      { detector: 'c', kind: 'X' },
    ],
  });
});

test('a number of one kind within the address of another goes as strictly as either asks', () => {
  const detectors = createDetectors({ detectors: ['email', 'card'] });
  const text = 'Write to 4111111111111111@example.com today.';
  const hidden = (email: 'token' | 'drop', card: 'token' | 'drop') =>
    createRedactor({ detectors, styles: { email, card } }).redact(text).text;
  assert.equal(hidden('token', 'token'), 'Write to [CARD] today.');
  assert.equal(hidden('token', 'drop'), 'Write to  today.');
  assert.equal(hidden('drop', 'token'), 'Write to  today.');
});

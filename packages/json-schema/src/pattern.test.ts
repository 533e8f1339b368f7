import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createPatternTest } from './pattern.ts';
import { createWork, WorkExceeded } from './work.ts';

const letter = fc.constantFrom('a', 'b', '.', '\\d', '[ab]', '[^a]', '\\w', '-', '\\n');
const pattern: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    letter,
    fc.constantFrom('^', '$', '\\b', '\\B', ''),
    fc.array(tie('node'), { maxLength: 3 }).map((parts) => parts.join('')),
    fc.tuple(tie('node'), tie('node')).map(([left, right]) => `(?:${left}|${right})`),
    fc
      .tuple(tie('node'), fc.constantFrom('*', '+', '?', '*?', '{2}', '{0,2}', '{1,}', '{0}'))
      .map(([item, count]) => `(${item})${count}`),
    fc.tuple(fc.constantFrom('=', '!'), tie('node')).map(([kind, item]) => `(?${kind}${item})`),
  ),
})).node;
const text = fc.string({
  unit: fc.constantFrom('a', 'b', '0', '-', ' ', '\n'),
  maxLength: 8,
});

test('a pattern says what the platform says of any text', () => {
  fc.assert(
    fc.property(pattern, text, (source, sample) => {
      const isFitting = createPatternTest(source, createWork(10_000_000));
      assert.equal(isFitting(sample), new RegExp(source, 'u').test(sample));
    }),
    { numRuns: 2_000 },
  );
});

test('patterns that people write mean what they mean to the platform', () => {
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['^[a-z]+(?:\\.[a-z]+)*$', ['a.b.c', 'a..b', 'a.']],
    [
      "^(?!\\.)(?!.*\\.\\.)([\\w'+\\-.]*)\\w@(\\w[\\w-]*\\.)+[A-Za-z]{2,}$",
      ['a.b@c.de', 'a..b@c.de'],
    ],
    ['^(?<year>\\d{4})-(0[1-9]|1[0-2])$', ['2026-11', '2026-13']],
    ['^[\\w\\-.]{1,3}$', ['a-.', 'abcd']],
    ['[\\w-.]\\-', ['.-', '-']],
    ['^\\u{1F600}\\p{Lu}\\x41$', ['😀BA', '😀bA']],
    ['^\\ud83d\\ude00$', ['😀', '\ud83d']],
    ['^{$', ['{', '{{']],
    ['^[\\]]\\/$', [']/', '/']],
  ];
  for (const [source, samples] of rows) {
    const isFitting = createPatternTest(source, createWork(1_000_000));
    const native = readNative(source);
    for (const sample of samples) assert.equal(isFitting(sample), native.test(sample), source);
  }
});

test('a pattern that makes the platform hang is answered within a small budget', () => {
  const isFitting = createPatternTest('^(a+)+$', createWork(50_000));
  assert.equal(isFitting(`${'a'.repeat(1_000)}b`), false);
});

test('more work than the budget is stopped, not done', () => {
  const isFitting = createPatternTest('(?=.*b)(?=.*c)d', createWork(100_000));
  assert.throws(() => isFitting('a'.repeat(5_000)), WorkExceeded);
});

test('what cannot be followed in bounded time or space is refused', () => {
  const work = createWork(1_000);
  for (const source of [
    '(a)\\1',
    '(?<x>a)\\k<x>',
    '(?<=a)b',
    '(?<!a)b',
    '(?i:a)',
    'a{100000}',
    '(?:(?:a{90}){90}){90}',
    '(?:){0,100000}',
    `${'('.repeat(40)}${')'.repeat(40)}`,
  ]) {
    assert.throws(() => createPatternTest(source, work), { name: 'PatternUnsupported' }, source);
  }
  assert.throws(() => createPatternTest('(', work), SyntaxError);
});

function readNative(source: string): RegExp {
  try {
    return new RegExp(source, 'u');
  } catch {
    return new RegExp(source);
  }
}

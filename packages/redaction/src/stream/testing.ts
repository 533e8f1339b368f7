import fc from 'fast-check';
import type { RedactionStyle } from '@modelhost/kernel';
import type { Detectors } from '../detectors.ts';
import { createFoldedView } from '../text/view.ts';
import type { Styles } from '../styles/style.ts';

/** All styles, from the one that says most. */
export const allStyles: readonly RedactionStyle[] = ['token', 'mask', 'hash', 'drop'];

/** A few detectors that are simple enough to be seen through. */
export const simpleDetectors: Detectors = {
  words: ['sk-', 'password', 'born', 'private key', 'jane doe'],
  find(text) {
    const view = createFoldedView(text);
    const findings = patterns.flatMap(([detector, kind, pattern]) =>
      Array.from(view.text.matchAll(pattern), ({ index, 0: { length } }) => ({
        detector,
        kind,
        start: view.originalStart(index),
        end: view.originalEnd(index + length),
      })),
    );
    return { findings, isExhausted: text.includes('4242 too much') };
  },
};

const patterns: readonly (readonly [string, string, RegExp])[] = [
  ['email', 'EMAIL', /[\w.]{1,64}@[\w.]{1,64}/g],
  ['card', 'CARD', /\d{4}(?:[ -]?\d{4}){3}/g],
  ['key', 'SECRET', /sk-\w{4,}/g],
  ['password', 'SECRET', /(?<=password["']?\s{0,5}(?:is|[:=])\s{0,5}["']?)[^\s"']+/gi],
  ['term', 'TERM', /jane\s+doe/gi],
  ['birth_date', 'BIRTH_DATE', /(?<=born on )\d+ \w+ \d{4}/g],
];

/** Every one of the simple detectors hides in the same way. */
export function allIn(style: RedactionStyle): Styles {
  const names = ['secrets', 'email', 'card', 'key', 'password', 'term', 'birth_date'];
  return Object.fromEntries(names.map((name) => [name, style]));
}

/** The line that begins (or ends) a private key; built from parts, so that it is none itself. */
export function keyLine(end: 'BEGIN' | 'END', dashes = 5): string {
  const line = '-'.repeat(dashes);
  return `${line}${end} RSA PRIVATE KEY${line}`;
}

/** A private key that is none. */
export function keyBlock(lines: number, separator = '\n'): string {
  const body = Array.from({ length: lines }, (_, at) => `${'MIIEow0B'.repeat(7)}${at}abcdefg`);
  return [keyLine('BEGIN'), ...body, keyLine('END')].join(separator);
}

const pieces = [
  'The quick brown fox jumps over the lazy dog. ',
  'ann.lee@example.com',
  '4111 1111 1111 1111',
  '４１１１\u200b1111-1111 1111',
  'sk-abcdEFGH',
  'pass\u00adword is hunter2',
  '"password": "correct"',
  '{"a":"x\\u0040y","b":"\\/\\ud83d\\ude00"}',
  'Jane\n Doe',
  'born on 12 March 1980',
  'héllo wörld 😀👩‍👩‍👧 ',
  '日本語のテキスト。田中さん、',
  '\u{e0041}\u{1d7d2}\u{1d7cf}',
  '\ud83d',
  '\ude00',
  'x'.repeat(4_090),
  'a1,'.repeat(1_400),
  '9'.repeat(5_000),
  '-----',
  '---- ',
  'https://user:pass@host/',
  'US I AM OK',
  '\u3000',
  keyLine('BEGIN'),
  keyLine('END'),
  keyLine('BEGIN', 4),
  keyBlock(3),
  keyBlock(3, '\\n'),
  'MIIEow0B'.repeat(2_500),
];

/** Texts with everything in them that has to do with where a text may be cut. */
export const texts: fc.Arbitrary<string> = fc
  .array(
    fc.tuple(
      fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(...pieces) },
        { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
      ),
      fc.constantFrom('', ' ', ' ', '\n', '\u00a0', '\u200b', '"'),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.flat().join(''));

/** Sizes of the chunks that a text comes in, used over and over. */
export const chunkSizes: fc.Arbitrary<readonly number[]> = fc.array(
  fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 5_000 })),
  { minLength: 1, maxLength: 12 },
);

/** Cuts anything that can be sliced. */
export function cut<Whole extends { slice(from: number, to: number): Whole; length: number }>(
  whole: Whole,
  sizes: readonly number[],
): readonly Whole[] {
  const chunks: Whole[] = [];
  for (let at = 0; at < whole.length; at += chunks.at(-1)?.length ?? 1) {
    chunks.push(whole.slice(at, at + (sizes[chunks.length % sizes.length] ?? 1)));
  }
  return chunks;
}

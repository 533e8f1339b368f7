import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRedactor, type Redactor, type TextOptions } from './redactor.ts';
import {
  allIn,
  allStyles,
  chunkSizes,
  cut,
  keyBlock,
  keyLine,
  simpleDetectors,
  texts,
} from '../fixtures/texts.ts';

const hashKey = 'of a tenant';
const [tokens, masks, hashes, drops] = allStyles.map((style) =>
  createRedactor({ detectors: simpleDetectors, styles: allIn(style), hashKey }),
) as [Redactor, Redactor, Redactor, Redactor]; // One for each style.
const everyRedactor = [tokens, masks, hashes, drops];

function redactChunks(
  redactor: Redactor,
  chunks: readonly string[],
  options?: TextOptions,
): string {
  const stream = redactor.stream(options);
  return chunks.map((chunk) => stream.push(chunk)).join('') + stream.end();
}

test('a text without findings comes out as it went in', () => {
  const nothing = createRedactor({
    detectors: { find: () => ({ findings: [], isExhausted: false }), words: [] },
    styles: {},
  });
  fc.assert(
    fc.property(texts, chunkSizes, (text, sizes) => {
      assert.equal(redactChunks(nothing, cut(text, sizes)), text);
    }),
    { numRuns: 300 },
  );
});

test('each style hides in its own way, and says where something was', () => {
  const text = 'Write to ann@x.org, pay with 4111 1111 1111 1111 today.';
  assert.equal(tokens.redact(text).text, 'Write to [EMAIL], pay with [CARD] today.');
  assert.equal(masks.redact(text).text, 'Write to ********, pay with ******** today.');
  assert.equal(drops.redact(text).text, 'Write to , pay with  today.');
  assert.match(
    hashes.redact(text).text,
    /^Write to \[EMAIL:[0-9a-f]{12}\], pay with \[CARD:[0-9a-f]{12}\] today\.$/,
  );
  assert.deepEqual(tokens.redact(text).findings, [
    { detector: 'email', kind: 'EMAIL', start: 9, end: 18 },
    { detector: 'card', kind: 'CARD', start: 29, end: 48 },
  ]);
});

test('a hash is the same for the same value and key, and no other', () => {
  const other = createRedactor({
    detectors: simpleDetectors,
    styles: allIn('hash'),
    hashKey: 'of another tenant',
  });
  const [one, two] = ['a@x.org', 'b@x.org'];
  assert.equal(hashes.redact(one).text, hashes.redact(one).text);
  assert.notEqual(hashes.redact(one).text, hashes.redact(two).text);
  assert.notEqual(hashes.redact(one).text, other.redact(one).text);
  assert.throws(() => createRedactor({ detectors: simpleDetectors, styles: allIn('hash') }), {
    code: 'config_invalid',
    message: /no key was given/,
  });
});

test('a rule has its own style, a kind shares one, and what has none is masked', () => {
  const styles = { password: 'drop', secrets: 'token' } as const;
  const redactor = createRedactor({ detectors: simpleDetectors, styles });
  assert.equal(
    redactor.redact('password=hunter2 sk-abcdefgh ann@x.org').text,
    'password= [SECRET] ********',
  );
});

test('what overlaps is hidden together, as the strictest of its styles asks', () => {
  const find = (text: string) => ({
    findings: [
      {
        detector: 'a',
        kind: 'A',
        start: 0,
        end: text.length,
        others: [{ detector: 'b', kind: 'B' }],
      },
    ],
    isExhausted: false,
  });
  const styled = (a: (typeof allStyles)[number], b: (typeof allStyles)[number]) =>
    createRedactor({
      detectors: { find, words: [{ word: 'x', holds: 'token' }] },
      styles: { a, b },
      hashKey,
    });
  assert.equal(styled('token', 'token').redact('x123456789').text, '[A]');
  assert.equal(styled('mask', 'token').redact('x123456789').text, '********');
  assert.match(styled('mask', 'hash').redact('x123456789').text, /^\[A:/);
  assert.equal(styled('hash', 'drop').redact('x123456789').text, '');
});

test('what was not looked at is hidden as a whole, and said so', () => {
  const { text, findings, isExhausted } = tokens.redact('It is fine. 4242 too much work here.');
  assert.equal(text, 'It is fine. ********work here.');
  assert.deepEqual(findings, [{ detector: 'budget', kind: 'UNCHECKED', start: 12, end: 26 }]);
  assert.equal(isExhausted, true);
});

test('a value that stands across a forced cut is hidden on both sides', () => {
  // Without a delimiter near, the text is cut right inside the key.
  const { text } = tokens.redact(`${'x'.repeat(4_090)}sk-${'abcd'.repeat(20)}`);
  assert.doesNotMatch(text, /abcd/);
});

test('a private key that is too long, or has no end, is hidden to its last unit', () => {
  const long = keyBlock(600);
  const open = long.slice(0, -keyLine('END').length);
  assert.equal(drops.redact(`See ${open}`).text, 'See ');
  assert.equal(drops.redact(`See ${long} and more.`).text, 'See  and more.');
});

test('a text about private keys is not one', () => {
  const text = `A file begins with ${keyLine('BEGIN')} and then many lines of letters come until it says that it is over.`;
  assert.equal(drops.redact(`${text} Or so.`).text, `${text} Or so.`);
});

test('without secrets among the styles a private key is left alone', () => {
  const redactor = createRedactor({ detectors: simpleDetectors, styles: { email: 'drop' } });
  const open = keyBlock(2).slice(0, 100);
  assert.equal(redactor.redact(open).text, open);
});

test('a text that is broken off keeps its whole words and loses what may be half a value', () => {
  const cases = [
    ['It was a quiet evening.', 'It was a quiet evening.'],
    ['It was a quiet eve', 'It was a quiet '],
    ['Pay with 4111 1111 11', 'Pay with '],
    ['The password is hunt', 'The '],
    ['Use AKIAIOSF', 'Use '],
    [`See ${keyBlock(3).slice(0, 150)}`, 'See '],
  ] as const;
  for (const [text, kept] of cases) {
    const stream = tokens.stream();
    assert.equal(stream.push(text) + stream.abort(), kept);
    assert.equal(stream.held(), 0);
  }
});

test('no way of breaking a text off lets a planted value through', () => {
  const values = ['4111 1111 1111 1111', 'sk-abcdEFGH', 'ann.lee@example.com', keyBlock(3)];
  fc.assert(
    fc.property(fc.constantFrom(...values), chunkSizes, fc.nat(), (value, sizes, at) => {
      const text = `Hello there, it is ${value} for you and for me.`;
      const end = 19 + (at % (value.length + 1));
      for (const redactor of everyRedactor) {
        const stream = redactor.stream();
        const given = cut(text.slice(0, end), sizes).map((chunk) => stream.push(chunk));
        // At most the name in an address, where it could be the end of a sentence.
        assert.match(given.join('') + stream.abort(), /^Hello there, it is (?:ann\.)?$/);
      }
    }),
    { numRuns: 500 },
  );
});

test('a value is recognised by what stands before its text', () => {
  const before = '"password": "';
  assert.equal(tokens.redact('correct horse', { before }).text, '[SECRET] horse');
  assert.equal(tokens.redact('correct horse').text, 'correct horse');
});

test('a value is recognised by words that were given out before it', () => {
  const find = (text: string) => {
    const [match] = text.matchAll(/(?<=call me on )\d+/g);
    const start = match?.index ?? 0;
    const finding = { detector: 'phone', kind: 'PHONE', start, end: start + 5, others: [] };
    return { findings: match === undefined ? [] : [finding], isExhausted: false };
  };
  const redactor = createRedactor({ detectors: { find, words: [] }, styles: { phone: 'token' } });
  const stream = redactor.stream();
  assert.equal(stream.push('So please call me on '), 'So please call me on ');
  assert.equal(stream.push('12345 now') + stream.end(), '[PHONE] now');
});

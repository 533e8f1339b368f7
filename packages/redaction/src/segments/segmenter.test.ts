import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chunkSizes, cut, keyBlock, keyLine, texts } from '../fixtures/texts.ts';
import { wordsOfRule } from './context-words.ts';
import { createSegmenters, type Segment } from './segmenter.ts';

const segmenters = createSegmenters([
  { word: 'jane doe', holds: 'token' },
  { word: 'ghp_', holds: 'token' },
  { word: 'heroku', holds: 'words' },
  { word: 'curl', holds: 'command' },
]);

function segmentsOf(chunks: readonly string[]): readonly Segment[] {
  const segmenter = segmenters.create('');
  return [...chunks.flatMap((chunk) => segmenter.push(chunk)), ...segmenter.end()];
}

function looked(chunks: readonly string[]): readonly Segment[] {
  return segmentsOf(chunks).filter(({ isQuiet }) => !isQuiet);
}

test('segments make up the text, and those that are looked at depend on it alone', () => {
  fc.assert(
    fc.property(texts, chunkSizes, (text, sizes) => {
      const chunks = cut(text, sizes);
      const segments = segmentsOf(chunks);
      assert.equal(segments.map((segment) => segment.text).join(''), text);
      assert.deepEqual(looked(chunks), looked([text]));
    }),
    { numRuns: 500 },
  );
});

test('no segment ends inside a surrogate pair, and none is longer than its bound', () => {
  fc.assert(
    fc.property(texts, fc.nat(7), (text, shift) => {
      const smileys = `${'x'.repeat(shift)}${'1😀'.repeat(2_000)}`;
      for (const segment of looked([`${text}${smileys}`, smileys])) {
        const [last, isKey] = [segment.text.charCodeAt(segment.text.length - 1), segment.keyPart];
        const isPairCut = last >= 0xd800 && last <= 0xdbff && segment.text.length >= 4_095;
        assert.equal(isPairCut, false);
        assert.ok(segment.text.length <= 16_384);
        if (isKey === undefined && !segment.text.includes('-'))
          assert.ok(segment.text.length <= 4_096);
      }
    }),
    { numRuns: 200 },
  );
});

test('plain words go at once, and what may be a value waits for two more words', () => {
  const segmenter = segmenters.create('');
  const given = 'We met at 10:30 in the old town.'
    .split(/(?<= )/)
    .map((word) => segmenter.push(word).map(({ text }) => text));
  assert.deepEqual(given, [['We '], ['met '], ['at '], [], [], ['10:30 in the '], ['old '], []]);
});

test('a word that names a value holds back what follows, across characters that do not show', () => {
  for (const word of ['password', 'pass\u200bword', 'ＰＡＳＳｗｏｒｄ', 'api\n key']) {
    const text = `My ${word} is the one we had.`;
    assert.deepEqual(
      looked([text]).map((segment) => segment.text),
      [text.slice(3)],
    );
  }
});

test('an operator makes it hold back further', () => {
  const text = 'password = some words that are quite long and then more';
  assert.equal(looked([text])[0]?.text, 'password = some words that are quite long ');
  assert.equal(
    looked([text.replace('=', 'as')])[0]?.text,
    'password as some words that are quite ',
  );
});

test('a name holds back two more words, a prefix of values none, a command its options', () => {
  const cases = [
    ['see ghp_abc and so on', ['ghp_abc ']],
    ['see heroku and so on', ['heroku and so ']],
    ['a heroku app = abcdefg or other', ['heroku app = abcdefg ']],
    ['by curl -s -H "A: b" --user c d\n', ['curl -s -H "A: b" --user c d\n']],
    [
      'by curl one can get whatever there is to be had here',
      ['curl one can get whatever there is to be '],
    ],
  ] as const;
  for (const [text, expected] of cases) {
    assert.deepEqual(
      looked([text]).map((segment) => segment.text),
      expected,
    );
  }
});

test('a rule says by its expression what its words hold', () => {
  const holds = (keyword: string, expression: string) =>
    wordsOfRule({ before: [0, 0], keywords: [keyword], expression }).map((word) => word.holds);
  assert.deepEqual(holds('ghp_', 'ghp_\\w{36}'), ['token']);
  assert.deepEqual(holds('sk_', '(sk_\\w{36})(?:[\\s;]|$)'), ['token']);
  assert.deepEqual(holds('acme', 'acme[ \\w]{0,20}=(\\w{36})'), ['words']);
  assert.deepEqual(holds('acme', '\\b\\w{36}\\b'), ['words']);
  assert.deepEqual(holds('curl', '\\bcurl\\b[^\\n]*-u (\\w+)'), ['command']);
});

test('a term of several words stays in one segment', () => {
  const [segment, ...others] = looked(['I met Jane ', 'Doe there.']);
  assert.deepEqual([segment?.text, others.length], ['Jane Doe ', 0]);
});

test('the stops of scripts without spaces close a segment', () => {
  const segmenter = segmenters.create('');
  segmenter.push('日本語のテキスト。');
  assert.equal(segmenter.held(), 0);
});

test('a private key is one segment, whatever stands between its lines', () => {
  for (const separator of ['\n', ' ', '\\n', '\r\n']) {
    const key = keyBlock(60, separator);
    assert.deepEqual(
      looked([`See ${key} there it is`]).map(({ text, keyPart }) => [text, keyPart]),
      [[`${key} there `, undefined]],
    );
  }
});

test('a private key that is cut says which part of each segment it is', () => {
  const key = keyBlock(500);
  const parts = looked([`See ${key} there it`]).map(({ text, keyPart }) => [text.length, keyPart]);
  const rest = key.length - 2 * 16_384;
  assert.deepEqual(parts, [
    [16_384, { start: 0, end: 16_384 }],
    [16_384, { start: 0, end: 16_384 }],
    [rest + 7, { start: 0, end: rest }],
  ]);
});

test('what comes after a forced cut is looked at with what stands before it', () => {
  const [first, second] = looked([`${'x1'.repeat(3_000)} end`]);
  assert.equal(first?.text.length, 4_096);
  assert.equal(second?.whole, first.text.slice(-512) + second?.text);
  const delimited = looked([`${'x1,x'.repeat(2_000)} end`]);
  assert.ok(delimited.slice(0, -1).every(({ text }) => text.endsWith(',')));
});

test('certificates and public keys are no private keys', () => {
  const text = `${keyLine('BEGIN').replace('RSA PRIVATE', 'PUBLIC')} now it goes on`;
  assert.ok(looked([text]).length > 0);
  assert.equal(looked([text])[0]?.keyPart, undefined);
});

test('a segment without words has none of them, however white space is written in them', () => {
  const named = createSegmenters([
    { word: 'encrypted\ndek', holds: 'token' },
    { word: 'acme', holds: 'token', isBeginning: true },
  ]);
  const hasWord = (text: string) => {
    const segmenter = named.create('');
    return [...segmenter.push(text), ...segmenter.end()].some((segment) => segment.hasWord);
  };
  assert.deepEqual(
    ['encrypted\ndek 1', 'encrypted  dek 1', 'an acme1', 'Acme 1', 'pacme 1', 'at 10'].map(hasWord),
    [true, true, true, true, false, false],
  );
});

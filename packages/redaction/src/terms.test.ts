import assert from 'node:assert/strict';
import test from 'node:test';
import { createDetectors } from './detectors.ts';
import { createRedactor } from './stream/redactor.ts';

function found(text: string, terms: readonly string[]): readonly string[] {
  const { findings } = createDetectors({ detectors: ['term'], terms }).find(text);
  return findings.map(({ start, end }) => text.slice(start, end));
}

test('terms are whole words, whatever their case and script', () => {
  const terms = ['Project Falcon', 'Müller', 'Иванов', ''];
  assert.deepEqual(found('PROJECT FALCON: müller, not Müllerstraße; иванов', terms), [
    'PROJECT FALCON',
    'müller',
    'иванов',
  ]);
});

test('a term is found through invisible characters, and covers them', () => {
  assert.deepEqual(found('see Fal\u200bcon now', ['falcon']), ['Fal\u200bcon']);
});

test('any white space may stand between the words of a term, and accents may be written either way', () => {
  for (const between of [' ', '  ', '\n', '\r\n', '\t', '\u00a0', ' \u200b ']) {
    const text = `on Project${between}Blue now`;
    assert.deepEqual(found(text, ['Project Blue']), [`Project${between}Blue`]);
  }
  const [composed, apart] = ['Mu\u0308ller'.normalize('NFC'), 'MU\u0308LLER'];
  assert.deepEqual(found(`${composed} ${apart}`, [composed]), [composed, apart]);
  assert.deepEqual(found(`${composed} ${apart}`, [apart]), [composed, apart]);
  assert.deepEqual(found('Mulle\u0301', ['Mulle']), []);
  assert.deepEqual(found('M\u00dcLLER \u0130', [composed]), ['M\u00dcLLER']);
});

test('a term is hidden in a stream as well, across lines', () => {
  const detectors = createDetectors({ detectors: ['term'], terms: ['Project Blue', 'Müller'] });
  const stream = createRedactor({ detectors, styles: { term: 'token' } }).stream();
  const text = 'so Project\n Blue and Mu\u0308ller know';
  const streamed = Array.from({ length: text.length }, (_, at) => stream.push(text.charAt(at)));
  assert.equal(streamed.join('') + stream.end(), 'so [TERM] and [TERM] know');
});

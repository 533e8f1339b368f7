import assert from 'node:assert/strict';
import test from 'node:test';
import { createDetectors } from './detectors.ts';

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

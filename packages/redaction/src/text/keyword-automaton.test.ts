import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createKeywordAutomaton } from './keyword-automaton.ts';

function scanAll(keywords: readonly string[], text: string): readonly string[] {
  const found: string[] = [];
  createKeywordAutomaton(keywords).scan(text, 0, text.length, (keyword, end) => {
    found.push(`${keyword}@${end}`);
  });
  return found.toSorted();
}

test('literals are found within one another and whatever their case', () => {
  assert.deepEqual(scanAll(['he', 'she', 'hers'], 'uSHErs'), ['0@4', '1@4', '2@6']);
});

test('one pass finds what a search for each literal finds', () => {
  const literal = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 });
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'A', 'é'), maxLength: 40 });
  fc.assert(
    fc.property(fc.uniqueArray(literal, { maxLength: 6 }), text, (keywords, searched) => {
      const expected = keywords.flatMap((keyword, index) =>
        Array.from({ length: searched.length + 1 }, (_, end) => end)
          .filter((end) => searched.slice(0, end).toLowerCase().endsWith(keyword))
          .map((end) => `${index}@${end}`),
      );
      assert.deepEqual(scanAll(keywords, searched), expected.toSorted());
    }),
    { numRuns: 300 },
  );
});

test('reading unit by unit ends in the same states', () => {
  const automaton = createKeywordAutomaton(['token', 'key']);
  let state = 0;
  for (const character of 'a Token') {
    state = automaton.next(state, character.charCodeAt(0));
  }
  assert.deepEqual(automaton.endingIn(state), [0]);
  assert.deepEqual(automaton.endingIn(automaton.next(state, 0x20)), []);
});

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Candidate } from '../resolve.ts';
import { createWorkBudget } from '../work-budget.ts';
import { secretRules, type SecretRule } from './secret-rules.ts';
import { createSecretSearch } from './secret-search.ts';

// Built from parts, so that no one takes this file for a leak.
const token = ['gh', 'p_', 'Wb3kQ9zR7xLm2TnV5pYc8Jd4Hs6Fg1Aa0EoU'].join('');
const search = createSecretSearch(secretRules());

function valuesIn(text: string, unitsMax = 10_000_000): readonly string[] {
  const found: Candidate[] = [];
  search(text, 0, { budget: createWorkBudget(unitsMax), found });
  return found.map(({ start, end }) => text.slice(start, end));
}

test('a token is found wherever it stands, and exactly', () => {
  assert.ok(valuesIn(`export GITHUB=${token}\n`).includes(token));
  assert.ok(valuesIn(`{"a":"${token}"}`).includes(token));
});

test('every rule sees at least as far as its shortest match', () => {
  const blind = secretRules().filter(({ lengthMin, lengthMax }) => lengthMin > lengthMax);
  assert.deepEqual(blind, []);
});

test('a random value behind the name of a key is found, and a word is not', () => {
  assert.deepEqual(
    valuesIn(`api_key = "${['q8Zr2', 'Lx9Vb4', 'Tn7Wc1', 'Yp5Kd3'].join('')}"`).length > 0,
    true,
  );
  const ordinary = [
    'api_key = "${API_KEY}"',
    'api_key: <your-api-key>',
    'key = "XXXXXXXXXXXXXXXXXXXXXXXX"',
    'keyName = "customer-profile-service"',
    'token = "abcdefghijklmnopqrst"',
    'cache_key_version: 9f86d081884c7d659a2feaa0c55ad015',
  ];
  assert.deepEqual(
    ordinary.flatMap((text) => valuesIn(text)),
    [],
  );
});

test('what stands further away than a rule looks changes nothing', () => {
  const filler = fc.string({
    unit: fc.constantFrom('a', ' ', '.', '7', '\n', 'key'),
    maxLength: 60,
  });
  fc.assert(
    fc.property(filler, filler, (before, behind) => {
      const text = `${before}\n${' '.repeat(600)}${token} ${' '.repeat(600)}\n${behind}`;
      assert.deepEqual(valuesIn(text).filter((value) => value === token).length > 0, true);
    }),
    { numRuns: 100 },
  );
});

test('too little budget is said, never passed over', () => {
  const budget = createWorkBudget(10);
  search(`${token} ${token}`, 0, { budget, found: [] });
  assert.equal(budget.isExhausted(), true);
});

const rules: readonly SecretRule[] = secretRules();

test('every rule compiles, has an id of its own, keywords in small letters and a price', () => {
  assert.ok(rules.length > 1_000);
  assert.equal(new Set(rules.map(({ id }) => id)).size, rules.length);
  for (const { expression, flags, keywords, before, lengthMin, units } of rules) {
    assert.ok(new RegExp(expression, flags) instanceof RegExp);
    assert.ok(keywords.length > 0 && keywords.every((word) => word === word.toLowerCase()));
    assert.ok(before[0] <= before[1] && units >= 8);
    assert.ok(!new RegExp(expression, flags).test('') && lengthMin > 0);
  }
});

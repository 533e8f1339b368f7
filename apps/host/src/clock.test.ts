import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandomIds } from './clock.ts';

test('no id is given twice, however many are made, and all have their length', () => {
  const ids = [createRandomIds(), createRandomIds()];
  const made = Array.from({ length: 1_000 }, (_none, at) => ids[at % 2]?.create('run') ?? '');
  assert.equal(new Set(made).size, made.length);
  for (const id of made) assert.match(id, /^run_[0-9a-v]{26}$/);
  // With as many ids none of the digits is absent anywhere by chance.
  for (let place = 'run_'.length; place < 'run_'.length + 26; place += 1) {
    assert.equal(new Set(made.map((id) => id[place])).size, 32);
  }
});

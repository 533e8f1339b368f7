import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokenMemory } from './token-memory.ts';

test('only so many tokens are kept: the oldest is forgotten, and then checked anew', () => {
  const memory = createTokenMemory({ now: () => 0, tokensMax: 2, keepMs: 1_000 });
  for (const token of ['a', 'b', 'c']) memory.keep(token, 'r', { sub: token, exp: 10 });
  const recalled = ['a', 'b', 'c'].map((token) => memory.recall(token, 'r')?.sub);
  assert.deepEqual(recalled, [undefined, 'b', 'c']);
});

test('a token is kept for its resource, for a while, and not beyond its end', () => {
  let nowMs = 0;
  const memory = createTokenMemory({ now: () => nowMs, tokensMax: 9, keepMs: 5_000 });
  memory.keep('short', 'r', { exp: 2 });
  memory.keep('long', 'r', { exp: 100 });
  const areKept = (): unknown =>
    ['short', 'long'].map((token) => memory.recall(token, 'r') !== undefined);
  assert.deepEqual(areKept(), [true, true]);
  assert.equal(memory.recall('long', 'other'), undefined);
  nowMs = 2_000;
  assert.deepEqual(areKept(), [false, true]);
  nowMs = 5_000;
  assert.deepEqual(areKept(), [false, false]);
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { guardsOf } from './guards.ts';

function headOf(expression: string, keyword: string): string | undefined {
  return guardsOf({ expression, flags: '', keywords: [keyword], isLast: false }).head?.source;
}

test('a head goes up to where its expression could go on for long', () => {
  assert.equal(
    headOf('hub[^\\n]?(?:id|key)x{3}\\s{0,20}[^\\n]{0,2}z', 'hub'),
    'hub[^\\n]?(?:id|key)x{3}\\s{0,20}',
  );
  assert.equal(headOf('hub[_-]*token', 'hub'), undefined);
  assert.equal(headOf('(?:hub-(?:a+|b)-token)-x', 'hub'), undefined);
  assert.equal(headOf('hub-token(?:a|b){2}', 'hub'), 'hub-token');
  assert.equal(headOf('hub-token[a-z]{4,}', 'hub'), 'hub-token');
});

test('what has to stand before a last keyword is asked for in its least number', () => {
  const rule = { flags: 'i', keywords: ['=='], isLast: true };
  const { behind } = guardsOf({ ...rule, expression: 'key[^]{0,9}?([a-z+\\/]{3,8}==)' });
  assert.deepEqual(
    [behind?.size, behind?.form.test('aB+'), behind?.form.test('a-b')],
    [3, true, false],
  );
  assert.equal(guardsOf({ ...rule, expression: 'key[a-z]*==' }).behind, undefined);
  assert.equal(guardsOf({ ...rule, expression: 'key[a-z]{0,4}==' }).behind, undefined);
});

const expressions = [
  'ab[^\\n]?(?:c|ca)?[ab]{0,3}(?:b|c)[ab]{0,2}c{1,4}',
  '(?i:a)b?(?:ab|c)[abc]{2}b{1,3}?c+',
  '\\bab(?=c)c?[^c]{1,2}(?:a|bc)',
  'a(?!b)[abc](?<=c)b?c{0,9}a',
] as const;

/** Every word of so many letters, or fewer. */
function wordsOf(length: number): readonly string[] {
  if (length === 0) return [''];
  const shorter = wordsOf(length - 1);
  const longest = shorter.filter((word) => word.length === length - 1);
  return [...shorter, ...longest.flatMap((word) => ['a', 'b', 'c'].map((next) => word + next))];
}

test('no head refuses what its expression matches', () => {
  const words = wordsOf(8);
  for (const expression of expressions) {
    const { head } = guardsOf({ expression, flags: '', keywords: [''], isLast: false });
    const whole = new RegExp(`^${expression}`);
    const matched = words.filter((word) => whole.test(word));
    assert.ok(head && matched.length > 10);
    for (const word of matched) {
      head.lastIndex = 0;
      assert.ok(head.test(word), `${head} of ${word}`);
    }
  }
});

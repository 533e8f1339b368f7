import assert from 'node:assert/strict';
import test from 'node:test';
import { emit } from './emit.ts';
import { readExpression } from './expression.ts';
import { factsOf } from './facts.ts';
import { measure } from './measure.ts';
import { reduce } from './reduce.ts';

function translate(text: string): string {
  const { source, flags } = emit(readExpression(text));
  return `/${source}/${flags}`;
}

test('the dialects of Go and Rust become expressions of JavaScript', () => {
  assert.equal(translate('(?i)abc\\z'), '/abc$/i');
  assert.equal(translate('(?P<token>[[:alnum:]]{3})'), '/([0-9A-Za-z]{3})/');
  assert.equal(translate('(?x) a b # a comment\n c [ ]'), '/abc[ ]/');
  assert.equal(translate('a(?i)b|c'), '/(?:a(?i:b)|(?i:c))/');
  assert.equal(translate('(?s).+?x'), '/[^]+?x/');
  assert.equal(translate('(?i:a)b{2,}'), '/(?i:a)b{2,}/');
});

test('what is not understood is refused', () => {
  for (const text of ['(?=a)', '(a', 'a)', '[a', '\\q']) {
    assert.throws(() => readExpression(text), Error);
  }
});

test('every match holds one of the keywords, at the distance that was found', () => {
  const facts = factsOf(readExpression('(?:^|[^a-z])(?:to|ke)[-_](abc|abd)[0-9]{4}'));
  assert.deepEqual(facts.keywords, {
    literals: ['to-abc', 'to-abd', 'to_abc', 'to_abd', 'ke-abc', 'ke-abd', 'ke_abc', 'ke_abd'],
    beforeMin: 0,
    beforeMax: 1,
  });
  assert.equal(facts.max, 11);
});

test('what may be absent in front is left out, but no capture', () => {
  assert.equal(emit(reduce(readExpression('[a-z]{0,50}?token=(x)'))).source, 'token=(x)');
  assert.equal(emit(reduce(readExpression('(a)?token'))).source, '(a)?token');
});

test('an attempt at a longer text is priced higher', () => {
  const price = (lengthMax: number): number =>
    measure({
      expression: /ab.{0,400}!/y,
      root: readExpression('ab.{0,400}!'),
      keywords: ['ab'],
      beforeMax: 0,
      lengthMax,
    }).units;
  assert.ok(price(400) >= 8);
});

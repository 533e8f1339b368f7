import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPaint, isColorWanted } from './paint.ts';

test('a terminal has colour, a pipe has none', () => {
  assert.equal(isColorWanted({ TERM: 'xterm' }, true), true);
  assert.equal(isColorWanted({ TERM: 'xterm' }, false), false);
});

test('NO_COLOR wins over everything, FORCE_COLOR over the rest', () => {
  assert.equal(isColorWanted({ NO_COLOR: '1', FORCE_COLOR: '1' }, true), false);
  assert.equal(isColorWanted({ NO_COLOR: '' }, true), true);
  assert.equal(isColorWanted({ FORCE_COLOR: '1', CI: 'true' }, false), true);
  assert.equal(isColorWanted({ FORCE_COLOR: '0' }, true), false);
  assert.equal(isColorWanted({ CI: 'true' }, true), false);
  assert.equal(isColorWanted({ TERM: 'dumb' }, true), false);
});

test('paint without colour leaves the text alone', () => {
  assert.equal(createPaint(false).red('x'), 'x');
  assert.equal(createPaint(true).red('x'), '\u001B[31mx\u001B[39m');
  assert.equal(createPaint(true).red(''), '');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { renderArguments } from './arguments-text.ts';

test('a text of several lines is a block with a bar, and short arguments come last', () => {
  const shown = renderArguments('{"path":"/a","content":"one\\ntwo\\n","n":1}', '  ');
  assert.equal(shown, '  content:\n  │ one\n  │ two\n  │ \n  path: "/a"\n  n: 1\n');
});

test('no text can look like another argument', () => {
  const shown = renderArguments(JSON.stringify({ content: 'x\npath: "/etc"', path: '/tmp' }), '');
  assert.deepEqual(
    shown.split('\n').filter((line) => line.startsWith('path')),
    ['path: "/tmp"'],
  );
});

test('a name with a line break cannot begin a line either', () => {
  const shown = renderArguments(JSON.stringify({ 'a\npath': 1 }), '');
  assert.equal(shown, 'a\\npath: 1\n');
});

test('nothing of the values is left out', () => {
  const value = fc.dictionary(fc.string({ minLength: 1 }), fc.string({ unit: 'grapheme-ascii' }));
  fc.assert(
    fc.property(value, (values) => {
      const shown = renderArguments(JSON.stringify(values), '');
      for (const one of Object.values(values)) assert.ok(shown.includes(JSON.stringify(one)));
    }),
  );
});

test('what is no object is shown as it stands', () => {
  assert.equal(renderArguments('[1', ''), '│ [1\n');
  assert.equal(renderArguments('7', ''), '│ 7\n');
  assert.equal(renderArguments('{}', ''), '(no arguments)\n');
});

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { toolNameOf } from './tool-names.ts';

const alias = fc.stringMatching(/^[a-z][a-z0-9-]{0,19}$/);
const tool = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
);

test('any tool of any server gets a legal name, always the same one, and no two get the same', () => {
  const tools = fc.uniqueArray(fc.tuple(alias, tool), {
    selector: (pair) => JSON.stringify(pair),
    maxLength: 50,
  });
  fc.assert(
    fc.property(tools, (pairs) => {
      const names = pairs.map(([server, name]) => toolNameOf(server, name));
      for (const name of names) assert.match(name, /^[a-z][A-Za-z0-9_-]{0,63}$/);
      assert.equal(new Set(names).size, pairs.length);
      assert.deepEqual(
        pairs.map(([server, name]) => toolNameOf(server, name)),
        names,
      );
    }),
  );
});

test('a legal name is kept, and what looks like a hashed one is hashed again', () => {
  assert.equal(toolNameOf('files', 'read_file'), 'files__read_file');
  const long = 'x'.repeat(80);
  const hashed = toolNameOf('files', long);
  assert.match(hashed, /^files__x{40}_[0-9a-f]{16}$/);
  const imitation = hashed.slice('files__'.length);
  assert.notEqual(toolNameOf('files', imitation), hashed);
  assert.equal(toolNameOf('files', 'a/b').startsWith('files__a_b_'), true);
});

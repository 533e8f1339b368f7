import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { toolNameOf } from './tool-names.ts';

const alias = fc.stringMatching(/^[a-z][a-z0-9-]{0,19}$/);
const name = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
  // The same but for case, delimiters within, the shape of a hashed name, nothing to see.
  fc.constantFrom('echo', 'Echo', 'ECHO', 'ecHo', 'a__b', '__', '_', '-', ' ', '', '\u200B', '..'),
  fc.stringMatching(/^[a-z_]{1,8}_[0-9a-f]{16}$/),
  fc.nat({ max: 500 }).map((length) => 'x'.repeat(length)),
);
const pairs = fc.uniqueArray(fc.tuple(alias, name), {
  selector: (pair) => JSON.stringify(pair),
  maxLength: 50,
});

test('any tool of any server gets a legal name, and the names lead back to server and tool', () => {
  fc.assert(
    fc.property(pairs, (tools) => {
      const back = new Map(
        tools.map(([server, tool]) => [toolNameOf(server, tool), [server, tool]]),
      );
      for (const known of back.keys()) assert.match(known, /^[a-z][A-Za-z0-9_-]{0,63}$/);
      assert.equal(back.size, tools.length);
      for (const [server, tool] of tools) {
        assert.deepEqual(back.get(toolNameOf(server, tool)), [server, tool]);
      }
    }),
  );
});

test('a name is the same after a restart, and whatever other tools there are', () => {
  fc.assert(
    fc.property(pairs, (tools) => {
      const named = tools.map(([server, tool]) => toolNameOf(server, tool));
      const later = tools.toReversed().map(([server, tool]) => toolNameOf(server, tool));
      assert.deepEqual(later.toReversed(), named);
    }),
  );
  // What it was on the day of this test: agents, policies and pins have these names written down.
  assert.equal(toolNameOf('files', 'read file'), 'files__read_file_b0f45761c2391c9f');
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

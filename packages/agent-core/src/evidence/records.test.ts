import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readRecords } from './records.ts';

const read = (text: string): unknown =>
  readRecords(text)?.map((record) => Object.fromEntries(record));

test('a list of mappings is read, nested values are passed over', () => {
  const text = `- body: 'Hi,


    it''s: fine'
  id_: '13'
  participants:
  - ann@x.org
  - bob@x.org
  shared:
    ann@x.org: rw
  size: 12
  tags: []
  title: A long title that
    goes on
- body: "two \\
    \\  lines"
  id_: '14'
`;
  assert.deepEqual(read(text), [
    { body: "Hi,   it's: fine", id_: '13', size: '12', title: 'A long title that goes on' },
    { id_: '14' },
  ]);
});

test('one mapping, a plain list and JSON are read', () => {
  assert.deepEqual(read('filename: a.docx\nid_: 26\nshared_with: {}\nwho:\n- a\nsize: 1'), [
    { filename: 'a.docx', id_: '26', size: '1' },
  ]);
  assert.deepEqual(read('- general\n- random\n'), [{ '*': 'general' }, { '*': 'random' }]);
  assert.deepEqual(read('{"files":[{"id":1,"name":"a","tags":["x"]}]}'), [{ id: '1', name: 'a' }]);
  assert.deepEqual(read('[{"id":1},2]'), [{ id: '1' }, { '*': '2' }]);
  assert.deepEqual(read('{"id":1,"tags":[]}'), [{ id: '1' }]);
});

test('what is not wholly in such a form lists nothing', () => {
  for (const text of [
    '',
    'Some words.',
    'None',
    "{'id': 1}",
    '{"id":1',
    '- id: 1\n  id: 2',
    '- id: 1\nloose words',
    '- id: &a 1',
    '- id: *a',
    '- id: !int 1',
    '- id: |\n    1',
    '- id: {a: 1}',
    '- name: a: b',
    '- name: a # b',
    "- name: 'a' b",
    "- name: 'a\n  id: 1",
    '- name: a\n   - id: 1\n  id: 2\n bad: 3',
  ]) {
    assert.equal(readRecords(text), undefined, text);
  }
});

test('text that a writer puts into a field never becomes a field', () => {
  // As writers of YAML do: in quotes, a quote doubled, further lines indented, an empty line for each line end.
  const quoted = (text: string): string =>
    `'${text.replaceAll("'", "''").replaceAll('\n', '\n\n    ')}'`;
  const hostile = fc
    .array(fc.constantFrom('\n- ', 'id: 9', '\n  id: 9', "'", '"', 'name: x', '\n', ' #', '{', 'a'))
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(hostile, hostile, (one, other) => {
      const text = `- body: ${quoted(one)}\n  id: 1\n  name: ${quoted(other)}\n- id: 2`;
      const records = readRecords(text);
      assert.deepEqual(
        records?.map((record) => record.get('id')),
        ['1', '2'],
      );
      const json = readRecords(JSON.stringify([{ body: one, id: 1, name: other }]));
      assert.deepEqual(
        json?.map((record) => record.get('id')),
        ['1'],
      );
    }),
  );
});

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '@modelhost/kernel';
import { digestOfSet, readListedTools } from './listed-tools.ts';

function refusalOf(listed: JsonObject): string | undefined {
  return readListedTools('a', [listed]).refused[0]?.reason;
}

/** As it comes from the wire: with members that a literal would not make. */
function parsed(text: string): JsonObject {
  // It is the text of an object.
  return JSON.parse(text) as JsonObject;
}

test('abuse A6: a member that passes for another one refuses the tool', () => {
  for (const member of ['Name', 'NAME', 'inputschema', 'ｎａｍｅ', 'Description', '__proto__']) {
    const listed = parsed(`{"name":"x","inputSchema":{"type":"object"},"${member}":"evil"}`);
    assert.equal(refusalOf(listed), `its member ${JSON.stringify(member)} passes for another one`);
  }
  assert.equal(refusalOf({ name: 'x', 'io.example/note': 'fine' }), undefined);
  // Too long to pass for anything; it also must not be normalized, which would take minutes.
  assert.equal(refusalOf({ name: 'x', [`a${'\u0301\u0316'.repeat(50_000)}`]: 1 }), undefined);
});

test('abuse A16: a tool without a name that can be seen and called is refused', () => {
  assert.equal(refusalOf({ name: 7 }), 'it has no name');
  assert.equal(refusalOf({ name: '' }), 'it has no name');
  assert.equal(refusalOf({ name: 'x'.repeat(257) }), 'its name is longer than 256');
  assert.equal(refusalOf({ name: 'echo\u200B' }), 'its name has hidden characters');
  assert.equal(refusalOf({ name: 'lone\uD800' }), 'its name has hidden characters');
});

test('a definition that is too deep or too long is refused', () => {
  const deep = `${'['.repeat(70)}${']'.repeat(70)}`;
  assert.equal(
    refusalOf(parsed(`{"name":"x","annotations":${deep}}`)),
    'its definition is nested too deeply',
  );
  const long = { name: 'x', description: 'x'.repeat(140_000) };
  assert.equal(refusalOf(long), 'its definition is longer than 131072');
});

test('abuse A16: a name that is listed twice with different definitions is offered as neither', () => {
  const [one, other] = [
    { name: 'x', description: 'kind' },
    { name: 'x', description: 'evil' },
  ];
  for (const listed of [
    [one, other],
    [other, one],
    [one, other, one],
  ]) {
    const { tools, refused } = readListedTools('a', listed);
    assert.deepEqual(tools, []);
    assert.deepEqual(
      refused.map(({ reason }) => reason),
      ['it is listed twice, with different definitions'],
    );
  }
  assert.equal(readListedTools('a', [one, { ...one }]).tools.length, 1);
});

test('the digest is of every member, and the one of the set of every tool, in any order', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.stringMatching(/^[a-z_]{1,9}$/), { minLength: 1, maxLength: 8 }),
      fc.string(),
      (names, description) => {
        const listed = names.map((name) => ({ name, description }));
        const { tools } = readListedTools('a', listed);
        const turned = readListedTools('a', listed.toReversed()).tools;
        assert.deepEqual(turned, tools);
        assert.equal(digestOfSet(tools.toReversed()), digestOfSet(tools));
        assert.notEqual(digestOfSet(tools.slice(1)), digestOfSet(tools));
        const [first] = readListedTools('a', [{ name: names[0] ?? '', description, x: 1 }]).tools;
        assert.notEqual(first?.digest, tools.find(({ name }) => name === first?.name)?.digest);
      },
    ),
  );
});

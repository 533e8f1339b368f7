import assert from 'node:assert/strict';
import test from 'node:test';
import type { Json, JsonObject } from '@modelhost/kernel';
import fc from 'fast-check';
import { findHeaderFault, toParamHeaders, toStandardHeaders } from './mcp-headers.ts';

function toolWith(inputSchema: JsonObject): JsonObject {
  return { name: 'act', inputSchema };
}

function property(type: string, header: Json = 'Where'): JsonObject {
  return toolWith({ type: 'object', properties: { a: { type, 'x-mcp-header': header } } });
}

test('arguments go along as text, absent ones and those that JSON cannot carry do not', () => {
  const tool = toolWith({
    properties: {
      text: { type: 'string', 'x-mcp-header': 'Text' },
      whole: { type: 'integer', 'x-mcp-header': 'Whole' },
      flag: { type: 'boolean', 'x-mcp-header': 'Flag' },
      inner: { properties: { deep: { type: 'string', 'x-mcp-header': 'Deep' } } },
      none: { type: 'string', 'x-mcp-header': 'None' },
    },
  });
  const values = { text: 'a b', whole: 42, flag: false, inner: { deep: 'x' }, none: null };
  assert.deepEqual(toParamHeaders(tool, values), {
    'mcp-param-text': 'a b',
    'mcp-param-whole': '42',
    'mcp-param-flag': 'false',
    'mcp-param-deep': 'x',
  });
  assert.deepEqual(toParamHeaders(tool, { whole: 2 ** 60, inner: 'no object' }), {});
  assert.deepEqual(toParamHeaders(undefined, values), {});
  assert.deepEqual(toParamHeaders({ name: 'act' }, values), {});
});

const faults: readonly (readonly [string, JsonObject])[] = [
  ['an empty name', property('string', '')],
  ['a name with a space', property('string', 'a b')],
  ['a name that is not ASCII', property('string', 'é')],
  ['a name with a line break', property('string', 'a\r\nb')],
  ['a name that is no text', property('string', 5)],
  ['a number', property('number')],
  ['an object', property('object')],
  ['the root', toolWith({ type: 'object', 'x-mcp-header': 'Where' })],
  [
    'an item of an array',
    toolWith({ properties: { a: { items: { type: 'string', 'x-mcp-header': 'A' } } } }),
  ],
  [
    'a branch',
    toolWith({ anyOf: [{ properties: { a: { type: 'string', 'x-mcp-header': 'A' } } }] }),
  ],
  ['a definition', toolWith({ $defs: { a: { type: 'string', 'x-mcp-header': 'A' } } })],
  [
    'two names that differ in case only',
    toolWith({
      properties: {
        a: { type: 'string', 'x-mcp-header': 'Where' },
        b: { type: 'string', 'x-mcp-header': 'where' },
      },
    }),
  ],
];

for (const [title, tool] of faults) {
  test(`a tool whose schema marks ${title} cannot be called over HTTP`, () => {
    assert.equal(typeof findHeaderFault(tool), 'string');
    assert.deepEqual(toParamHeaders(tool, { a: 'x', b: 'y' }), {});
  });
}

test('what only looks like a marker is none', () => {
  const tools = [
    toolWith({ properties: { 'x-mcp-header': { type: 'object' } } }),
    toolWith({ properties: { a: { default: { 'x-mcp-header': 5 } } } }),
    toolWith({ enum: [{ 'x-mcp-header': 5 }] }),
    { name: 'act' },
  ];
  for (const tool of tools) assert.equal(findHeaderFault(tool), undefined);
});

test('a schema without end is a fault, not the end of us', () => {
  let schema: JsonObject = { type: 'string', 'x-mcp-header': 'A' };
  for (let level = 0; level < 5_000; level += 1) schema = { properties: { a: schema } };
  assert.match(findHeaderFault(toolWith(schema)) ?? '', /nested/);
});

test('whatever the name, its header is plain and says the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (name) => {
      const { 'mcp-name': header = '' } = toStandardHeaders('v', 'tools/call', { name });
      assert.match(header, /^[\t\x20-\x7e]+$/);
      assert.equal(header.trim(), header);
      const [, encoded] = /^=\?base64\?(.*)\?=$/.exec(header) ?? [];
      const decoded = encoded === undefined ? header : Buffer.from(encoded, 'base64').toString();
      assert.equal(decoded, name.toWellFormed());
    }),
  );
});

test('only what has a name says it', () => {
  const of = (method: string, params: JsonObject): JsonObject =>
    toStandardHeaders('v', method, params);
  const common = { 'mcp-protocol-version': 'v' };
  assert.deepEqual(of('tools/list', { name: 'x' }), { ...common, 'mcp-method': 'tools/list' });
  assert.deepEqual(of('tools/call', { name: 5 }), { ...common, 'mcp-method': 'tools/call' });
  assert.deepEqual(of('toString', {}), { ...common, 'mcp-method': 'toString' });
  assert.equal(of('resources/read', { uri: 'a:b' })['mcp-name'], 'a:b');
  assert.equal(of('tasks/get', { taskId: 't' })['mcp-name'], 't');
});

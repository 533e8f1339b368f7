import assert from 'node:assert/strict';
import test from 'node:test';
import { createJsonSchemas } from '@modelhost/json-schema';
import type { Json, JsonObject } from '@modelhost/kernel';
import { toolServerDefaults } from '../server-spec.ts';
import { createCatalogueTool } from './catalogue-tool.ts';

function fieldsOf(inputSchema: JsonObject, value: Json): readonly string[] {
  const { check } = createCatalogueTool(
    {
      ...toolServerDefaults,
      alias: 'notes',
      transport: { type: 'http', url: 'https://notes.example/mcp', headers: {} },
      effects: {},
    },
    { serverTool: 'find', name: 'notes__find', listed: { name: 'find', inputSchema }, digest: '' },
    { schemas: createJsonSchemas(), log: () => {} },
  );
  return check(value).map(({ field }) => field);
}

test('null may stand for an argument that is left out, and for no other', () => {
  const schema = {
    type: 'object',
    properties: { text: { type: 'string' }, limit: { type: 'number' } },
    required: ['text'],
    additionalProperties: false,
  };
  assert.deepEqual(fieldsOf(schema, { text: 'a', limit: null }), []);
  assert.deepEqual(fieldsOf(schema, { text: null }), ['text']);
  assert.notDeepEqual(fieldsOf(schema, { text: 'a', other: null }), []);
  assert.deepEqual(fieldsOf(schema, { text: 1, limit: null }), ['text']);
  assert.notDeepEqual(fieldsOf(schema, null), []);
  assert.notDeepEqual(
    fieldsOf({ type: 'object', additionalProperties: { type: 'number' } }, { a: null }),
    [],
  );
});

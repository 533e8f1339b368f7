import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createJsonSchemas } from '@modelhost/json-schema';
import type { JsonObject } from '@modelhost/kernel';
import { createCatalogue, mergeCatalogues } from './catalogue.ts';
import type { Catalogue, ListedTool } from './catalogue.ts';
import { serverSpec } from './fixtures/start-gateway.ts';

const schemas = createJsonSchemas();

function catalogueOf(
  alias: string,
  listed: readonly ListedTool[],
  effects: Readonly<Record<string, 'none' | 'idempotent'>> = {},
): { readonly catalogue: Catalogue; readonly messages: readonly string[] } {
  const messages: string[] = [];
  const spec = serverSpec(alias, { type: 'http', url: 'http://x', headers: {} }, { effects });
  const log = (_: string, message: string): void => void messages.push(message);
  return { catalogue: createCatalogue(spec, listed, { schemas, log }), messages };
}

function tool(name: string, inputSchema: JsonObject = { type: 'object' }): ListedTool {
  return { name, inputSchema };
}

test('a tool whose schema cannot be used is left out with its reason, the others stay', () => {
  const { catalogue, messages } = catalogueOf('a', [
    tool('good', { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' }),
    tool('remote', { type: 'object', properties: { x: { $ref: 'https://example.com/x' } } }),
    tool('list', { type: 'array' }),
    tool('none', {}),
  ]);
  assert.deepEqual([...catalogue.keys()], ['a__good']);
  assert.deepEqual(messages, [
    'a__remote is left out: schema: properties.x.$ref leads out of the schema; put what it names under $defs',
    'a__list is left out: its input schema is not one of an object',
    'a__none is left out: its input schema is not one of an object',
  ]);
});

test('what nobody declared is irreversible, whatever the tool is called', () => {
  const names = ['read', 'constructor', '*'];
  const { catalogue } = catalogueOf(
    'a',
    names.map((name) => tool(name)),
    { read: 'none' },
  );
  const effects = [...catalogue.values()].map(({ definition }) => [
    definition.serverTool,
    definition.effect,
  ]);
  assert.deepEqual(Object.fromEntries(effects), {
    read: 'none',
    constructor: 'irreversible',
    '*': 'irreversible',
  });
});

test('the merged order does not depend on the order of servers or tools, and every name leads back', () => {
  const names = fc.uniqueArray(fc.string({ maxLength: 90 }), { maxLength: 12 });
  fc.assert(
    fc.property(names, names, (left, right) => {
      const one = catalogueOf(
        'one',
        left.map((name) => tool(name)),
      ).catalogue;
      const two = catalogueOf(
        'one-2',
        right.map((name) => tool(name)),
      ).catalogue;
      const turned = catalogueOf(
        'one',
        left.toReversed().map((name) => tool(name)),
      ).catalogue;
      const merged = mergeCatalogues([one, two]);
      assert.deepEqual(mergeCatalogues([two, turned]), merged);
      assert.equal(merged.length, left.length + right.length);
      for (const { name, server, serverTool } of merged) {
        const home = server === 'one' ? one : two;
        assert.equal(home.get(name)?.definition.serverTool, serverTool);
      }
    }),
  );
});

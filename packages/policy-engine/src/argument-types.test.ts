import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Json, JsonObject } from '@modelhost/kernel';
import { readArgumentType } from './argument-types.ts';
import { encodeArguments } from './argument-values.ts';
import { schemaBounds } from './bounds.ts';
import { wholeArguments } from './rule-names.ts';
import { cedarType } from './schema.ts';

function typeOf(property: Json, more: JsonObject = {}): unknown {
  const schema = { type: 'object', properties: { x: property }, required: ['x'], ...more };
  const type = cedarType(readArgumentType(schema));
  return 'attributes' in type ? type.attributes['x'] : assert.fail();
}

const string = { type: 'String' };
const optionalString = { type: 'String', required: false };

suite('the type of an argument', () => {
  test('that may be null is optional, whichever way its schema says so', () => {
    for (const property of [
      { type: ['string', 'null'] },
      { type: ['null', 'string'] },
      { anyOf: [{ type: 'string', maxLength: 3 }, { type: 'null' }], default: null },
      { oneOf: [{ type: 'null' }, { type: 'string' }] },
    ]) {
      assert.deepEqual(typeOf(property), optionalString, JSON.stringify(property));
    }
  });

  test('is found behind references within the schema', () => {
    const more = {
      $defs: { name: { type: 'string' }, alias: { $ref: '#/$defs/name' } },
      definitions: { maybe: { anyOf: [{ $ref: '#/$defs/alias' }, { type: 'null' }] } },
    };
    assert.deepEqual(typeOf({ $ref: '#/$defs/name', description: 'a name' }, more), string);
    assert.deepEqual(typeOf({ $ref: '#/$defs/alias' }, more), string);
    assert.deepEqual(typeOf({ $ref: '#/definitions/maybe' }, more), optionalString);
    const list = { type: 'array', items: { $ref: '#/$defs/alias' } };
    assert.deepEqual(typeOf(list, more), { type: 'Set', element: string });
  });

  test('is not guessed', () => {
    const more = { $defs: { loop: { $ref: '#/$defs/loop' }, s: { type: 'string' }, 'a/b': {} } };
    for (const property of [
      true,
      { type: ['string', 'integer'] },
      { type: ['string', 'integer', 'null'] },
      { anyOf: [{ type: 'string' }, { type: 'integer' }] },
      { anyOf: [{ type: 'string' }, { type: 'null' }, { type: 'integer' }] },
      { anyOf: [{ type: 'null' }, { type: 'null' }] },
      { anyOf: [{ type: 'string' }, { type: 'null', enum: [] }] },
      { type: 'array', items: { type: ['string', 'null'] } },
      { $ref: '#/$defs/loop' },
      { $ref: '#/$defs/absent' },
      { $ref: '#/$defs/a~1b' },
      { $ref: '#/$defs/__proto__' },
      { $ref: 'https://example.org/schema' },
      { $ref: '#/$defs/s', type: 'integer' },
    ]) {
      assert.equal(typeOf(property, more), undefined, JSON.stringify(property));
    }
  });

  test('that holds itself ends where the bounds are', () => {
    const node: JsonObject = {
      type: 'object',
      properties: { child: { $ref: '#/$defs/node' }, other: { $ref: '#/$defs/node' } },
    };
    const schema = { type: 'object', properties: node['properties'] ?? {}, $defs: { node } };
    const text = JSON.stringify(cedarType(readArgumentType(schema)));
    assert.ok(text.split('"child"').length <= schemaBounds.properties);
  });
});

suite('a null', () => {
  const properties = {
    note: { type: ['string', 'null'] },
    path: { type: 'string' },
    inner: { type: 'object', properties: { note: { type: ['string', 'null'] } } },
  };
  const type = readArgumentType({ type: 'object', properties });

  test('is as good as absent, but not where the whole is compared', () => {
    const absent = encodeArguments({ path: 'a' }, type);
    const given = encodeArguments({ path: 'a', note: null }, type);
    assert.ok(absent.type === 'encoded' && given.type === 'encoded');
    assert.deepEqual(given.value, absent.value);
    assert.deepEqual([[...absent.hidden], [...given.hidden]], [[], [wholeArguments]]);
    const within = encodeArguments({ inner: { note: null } }, type);
    assert.ok(within.type === 'encoded');
    assert.deepEqual([...within.hidden].sort(), [wholeArguments, 'inner']);
  });

  test('is refused where the type has none', () => {
    assert.equal(encodeArguments({ path: null }, type).type, 'refused');
  });
});

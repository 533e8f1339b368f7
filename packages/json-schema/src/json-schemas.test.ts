import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { HostError } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { createJsonSchemas } from './index.ts';

const schemas = createJsonSchemas();

function fieldsOf(schema: JsonObject, value: Json): readonly string[] {
  return schemas
    .compile(schema)(value)
    .map((violation) => violation.field);
}

function parse(text: string): Json {
  // JSON.parse gives JSON.
  return JSON.parse(text) as Json;
}

test('a value that fits has no violations, and one that does not has one per field with the shape expected', () => {
  const check = schemas.compile({
    type: 'object',
    properties: {
      path: { type: 'string', minLength: 1 },
      lines: { type: 'array', items: { type: 'object', properties: { 'odd key': { const: 1 } } } },
    },
    required: ['path', 'mode'],
    additionalProperties: false,
  });
  assert.equal(check({ path: 'a', mode: 1 }).length, 1);
  assert.deepEqual(check({ path: 5, lines: [{}, { 'odd key': 2 }], more: 1 }), [
    { field: 'mode', description: 'is required' },
    { field: 'more', description: 'is not allowed here' },
    { field: 'path', description: 'must be string' },
    { field: 'lines[1]["odd key"]', description: 'must be 1' },
  ]);
});

test('no violation quotes the value, and there are at most 16', () => {
  const strict: JsonObject = {
    items: {
      type: 'integer',
      enum: [1],
      const: 1,
      pattern: '^x$',
      format: 'email',
      minLength: 999,
    },
  };
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 6 }).map((text) => `secret${text}`)), (items) => {
      const violations = schemas.compile(strict)(items);
      assert.ok(violations.length <= 16);
      assert.doesNotMatch(JSON.stringify(violations), /secret/);
    }),
  );
});

test('draft 07, as real tool servers declare it, works with its tuples, dependencies and lone references', () => {
  const check = schemas.compile({
    $schema: 'http://json-schema.org/draft-07/schema#',
    $ref: '#/definitions/Node',
    type: 'string',
    definitions: {
      Node: {
        type: 'object',
        properties: {
          next: { $ref: '#/definitions/Node' },
          pair: { items: [{ type: 'number' }], additionalItems: { type: 'string' } },
          first: { $ref: '#/definitions/Node/properties/pair/items/0' },
        },
        dependencies: { next: ['pair'], first: { required: ['other'] } },
      },
    },
  });
  assert.deepEqual(check({ next: { pair: [1, 'a'] }, pair: [1] }), []);
  const fields = check({ next: { next: {}, pair: [1, 2] }, first: 'x' }).map(({ field }) => field);
  assert.deepEqual(fields.sort(), ['first', 'next.pair[1]', 'other', 'pair']);
});

test('references within the document work by pointer, by escaped pointer and by anchor', () => {
  const schema: JsonObject = {
    $id: 'https://example.com/root',
    $defs: { 'a/b~c %': { type: 'number' }, named: { $anchor: 'here', type: 'boolean' } },
    properties: {
      pointer: { $ref: '#/$defs/a~1b~0c%20%25' },
      anchor: { $ref: '#here' },
      self: { $ref: '#' },
    },
    additionalProperties: false,
  };
  assert.deepEqual(fieldsOf(schema, { pointer: 1, anchor: true, self: { self: {} } }), []);
  const wrong: Json = { pointer: 'x', anchor: 'x', self: { y: 1 } };
  assert.deepEqual(fieldsOf(schema, wrong).toSorted(), ['anchor', 'pointer', 'self.y']);
});

const hugeText = 'x'.repeat(70_000);
const refusals: readonly (readonly [string, JsonObject])[] = [
  ['properties.a.$ref', { properties: { a: { $ref: 'https://example.com/schema' } } }],
  ['properties.a.$ref', { properties: { a: { $ref: '//example.com/schema#/x' } } }],
  ['$ref', { $ref: 'other.json#/x' }],
  ['$ref', { $id: 'https://example.com/a', $ref: 'https://example.com/a#/x' }],
  ['$ref', { $ref: '#/$defs/missing' }],
  ['$ref', { $ref: '#/$defs/%E0%A4%A' }],
  ['$ref', { $ref: '#/examples/0', examples: [{}] }],
  ['$ref', { $ref: '#/properties/__proto__', properties: parse('{"__proto__":{}}') }],
  ['$ref', { $ref: 7 }],
  ['items.$id', { items: { $id: 'https://example.com/b' } }],
  ['items.$schema', { items: { $schema: 'http://json-schema.org/draft-07/schema#' } }],
  ['$schema', { $schema: 'https://example.com/my-dialect' }],
  ['not.$dynamicRef', { not: { $dynamicRef: '#x' } }],
  ['$', { $ref: '#' }],
  ['$', { allOf: [{ anyOf: [{ $ref: '#' }] }] }],
  ['properties.a', { properties: { a: 5 } }],
  ['anyOf', { anyOf: {} }],
  ['properties', { properties: [] }],
  ['properties.a.type', { properties: { a: { type: 'strin' } } }],
  ['minLength', { minLength: -1 }],
  ['$', { pattern: '(' }],
  ['$', { patternProperties: { '(a)\\1': true } }],
  ['$', { description: hugeText }],
  ['$', { enum: Array.from({ length: 30_000 }, (_, index) => `é${index}`) }],
  ['$', parse(`${'{"not":'.repeat(40)}{}${'}'.repeat(40)}`) as JsonObject],
];

test('a schema that is invalid, too large or leads elsewhere is refused with its place', () => {
  for (const [field, schema] of refusals) {
    assert.throws(
      () => schemas.compile(schema),
      (error) => {
        assert.ok(error instanceof HostError, JSON.stringify(schema).slice(0, 80));
        assert.equal(error.code, 'validation_failed');
        assert.equal(error.violations[0]?.field, field);
        return true;
      },
    );
  }
});

test('schemas that multiply their work are stopped by the budget', () => {
  const doubling: JsonObject = {
    $defs: { a: { allOf: [{ items: { $ref: '#/$defs/a' } }, { items: { $ref: '#/$defs/a' } }] } },
    $ref: '#/$defs/a',
  };
  const deep = parse(`${'['.repeat(30)}${']'.repeat(30)}`);
  const names = Array.from({ length: 5_000 }, (_, index) => `name${index}`);
  const objects = Array.from({ length: 15_000 }, () => ({}));
  const stopped = [{ field: '$', description: 'takes more work to check than is allowed' }];
  assert.deepEqual(schemas.compile(doubling)(deep), stopped);
  assert.deepEqual(schemas.compile({ items: { required: names } })(objects), stopped);
  // The budget is per check: the next one starts with a full one.
  assert.deepEqual(schemas.compile(doubling)([[]]), []);
});

test('a value beyond the bounds is refused before any keyword is looked at', () => {
  const check = schemas.compile({});
  const tooDeep = parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
  for (const value of [tooDeep, Array(20_001).fill(0) as Json, 'x'.repeat(1_048_577)]) {
    assert.equal(check(value).length, 1);
  }
  assert.deepEqual(check('x'.repeat(1_048_576)), []);
});

test('members named like those of every object are data and nothing else', () => {
  const odd = parse('{"__proto__":{"a":1},"valueOf":1,"constructor":{},"toString":null}');
  assert.deepEqual(schemas.compile({ required: ['__proto__', 'valueOf'] })(odd), []);
  assert.deepEqual(fieldsOf({ required: ['__proto__', 'toString'] }, {}), [
    '__proto__',
    'toString',
  ]);
  assert.deepEqual(fieldsOf({ properties: {}, additionalProperties: false }, odd).length, 4);
  assert.deepEqual(schemas.compile({ enum: [odd] })(odd), []);
  assert.deepEqual(fieldsOf({ const: { valueOf: 2 } }, odd), ['$']);
  assert.deepEqual(fieldsOf({ uniqueItems: true }, [odd, { valueOf: 1 }, odd]), ['$']);
  const schema = parse(
    '{"properties":{"__proto__":{"type":"string"}},"__proto__":{"type":"string"}}',
  );
  // It was parsed from the text of an object.
  assert.deepEqual(schemas.compile(schema as JsonObject)(odd), []);
  assert.equal(({} as { readonly a?: unknown }).a, undefined);
});

test('equal items are found whatever the order of their members', () => {
  assert.deepEqual(
    fieldsOf({ uniqueItems: true }, [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ]),
    ['$'],
  );
  assert.deepEqual(fieldsOf({ uniqueItems: true }, [1, '1', true, null, [1]]), []);
  assert.deepEqual(fieldsOf({ uniqueItems: false }, [1, 1]), []);
});

test('the same text is compiled once, and what was not used for long is forgotten', () => {
  const own = createJsonSchemas();
  const first = own.compile({ type: 'object', minProperties: 1 });
  assert.equal(own.compile({ minProperties: 1, type: 'object' }), first);
  for (let index = 0; index < 499; index += 1) own.compile({ const: index });
  assert.equal(own.compile({ type: 'object', minProperties: 1 }), first);
  for (let index = 500; index < 1_000; index += 1) own.compile({ const: index });
  assert.notEqual(own.compile({ type: 'object', minProperties: 1 }), first);
});

test('unknown keywords and formats say nothing', () => {
  const schema: JsonObject = { type: 'string', format: 'email', 'x-mcp-header': 'A', id: 'old' };
  assert.deepEqual(fieldsOf(schema, 'no email'), []);
});

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { HostError, isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { hasHidden } from './clean-text.ts';
import { readFlatForm } from './flat-form.ts';

function fieldOf(field: Json): unknown {
  const { properties } = readFlatForm({ type: 'object', properties: { field } });
  // `readFlatForm` gives properties to every form.
  return (properties as JsonObject)['field'];
}

const kept: readonly JsonObject[] = [
  { type: 'string', title: 'Name', description: 'Yours', minLength: 1, maxLength: 9, default: 'x' },
  { type: 'string', format: 'email' },
  { type: 'number', minimum: 0.5, maximum: 2, default: 1 },
  { type: 'integer', minimum: -1, default: 0 },
  { type: 'boolean', default: false },
  { type: 'string', enum: ['a', 'b'], enumNames: ['A', 'B'], default: 'b' },
  { type: 'string', oneOf: [{ const: 'a', title: 'A' }], default: 'a' },
  {
    type: 'array',
    minItems: 1,
    maxItems: 2,
    items: { type: 'string', enum: ['a'] },
    default: ['a'],
  },
  { type: 'array', items: { anyOf: [{ const: 'a', title: 'A' }] } },
];

for (const field of kept) {
  test(`a form may have ${JSON.stringify(field).slice(0, 70)}`, () => {
    assert.deepEqual(fieldOf(field), field);
  });
}

test('what no form has is left out, and so is what a form can do without and is wrong', () => {
  const given = { type: 'string', pattern: '(a+)+$', $ref: '#/x', format: 'regex', minLength: -1 };
  assert.deepEqual(fieldOf({ ...given, maxLength: '9', default: 7 }), { type: 'string' });
  assert.deepEqual(fieldOf({ type: 'integer', multipleOf: 2, default: 'x' }), { type: 'integer' });
  assert.deepEqual(fieldOf({ type: 'string', enum: ['a'], default: 'b', enumNames: [] }), {
    type: 'string',
    enum: ['a'],
  });
  const many = { type: 'array', uniqueItems: true, items: { type: 'string', enum: ['a'] } };
  for (const preset of [['b'], ['a', 'b'], ['a', 'a'], 'a']) {
    assert.deepEqual(fieldOf({ ...many, default: preset }), {
      type: 'array',
      items: { type: 'string', enum: ['a'] },
    });
  }
});

test('texts of a form are cleaned and cut, and a choice without a title shows its value', () => {
  const long = 'x'.repeat(2_000);
  assert.deepEqual(fieldOf({ type: 'string', title: 'N\u202Eame', description: long }), {
    type: 'string',
    title: 'Name',
    description: `${'x'.repeat(999)}…`,
  });
  assert.deepEqual(fieldOf({ type: 'string', oneOf: [{ const: 'a' }] }), {
    type: 'string',
    oneOf: [{ const: 'a', title: 'a' }],
  });
});

test('a form requires each of its fields once', () => {
  const form = { type: 'object', properties: { a: { type: 'string' } } };
  assert.deepEqual(readFlatForm({ ...form, required: ['a', 'a'] }), { ...form, required: ['a'] });
  assert.deepEqual(readFlatForm({ ...form, additionalProperties: true }), form);
});

const refused: readonly (readonly [string, Json])[] = [
  ['no flat schema', null],
  ['no flat schema', { type: 'array', items: { type: 'string' } }],
  ['no flat schema', { type: 'object' }],
  ['a field without a schema', { type: 'object', properties: { a: true } }],
  ['no text, number', { type: 'object', properties: { a: { type: 'object' } } }],
  ['no text, number', { type: 'object', properties: { a: { type: ['string', 'null'] } } }],
  ['no text, number', { type: 'object', properties: { a: { $ref: '#' } } }],
  ['a list without choices', { type: 'object', properties: { a: { type: 'array' } } }],
  ['no choices', { type: 'object', properties: { a: { type: 'array', items: {} } } }],
  ['no choices', { type: 'object', properties: { a: { type: 'string', enum: [] } } }],
  [
    'or more than 200',
    { type: 'object', properties: { a: { type: 'string', enum: Array.from('x'.repeat(201)) } } },
  ],
  ['a choice that', { type: 'object', properties: { a: { type: 'string', enum: ['a\u200B'] } } }],
  ['a choice that', { type: 'object', properties: { a: { type: 'string', enum: ['a\nb'] } } }],
  ['a choice that', { type: 'object', properties: { a: { type: 'string', enum: ['a\u2028b'] } } }],
  ['a choice that', { type: 'object', properties: { a: { type: 'string', enum: [1] } } }],
  ['a choice that', { type: 'object', properties: { a: { type: 'string', oneOf: [{}] } } }],
  ['a choice without', { type: 'object', properties: { a: { type: 'string', oneOf: ['a'] } } }],
  ['a field without a name', { type: 'object', properties: { '': { type: 'string' } } }],
  ['a field that', { type: 'object', properties: { 'a\nb': { type: 'string' } } }],
  ['a field that', { type: 'object', properties: { 'a\u202E': { type: 'string' } } }],
  ['a field that', { type: 'object', properties: { ['a'.repeat(201)]: { type: 'string' } } }],
  ['requires what', { type: 'object', properties: {}, required: ['a'] }],
  ['requires what', { type: 'object', properties: {}, required: 'a' }],
  ['requires what', { type: 'object', properties: {}, required: ['toString'] }],
  [
    'more than 32 fields',
    {
      type: 'object',
      properties: Object.fromEntries(
        Array.from({ length: 33 }, (_, at) => [`f${at}`, { type: 'string' }]),
      ),
    },
  ],
];

for (const [why, schema] of refused) {
  test(`refused since it has or is ${why}: ${JSON.stringify(schema).slice(0, 60)}`, () => {
    assert.throws(
      () => readFlatForm(schema),
      (thrown: unknown) => thrown instanceof HostError && thrown.message.includes(why),
    );
  });
}

const keywords = [
  'type',
  'title',
  'description',
  'minimum',
  'maxItems',
  'format',
  'enumNames',
  'enum',
  'oneOf',
  'items',
  'anyOf',
  'pattern',
  'default',
  'const',
];
const anything = fc.letrec<{ readonly schema: Json }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Json>('string', 'array', 'boolean', 'a\u200B', 7, null, true),
    fc.array(tie('schema'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...keywords), tie('schema'), { maxKeys: 4 }),
  ),
})).schema;

test('whatever the schema, it is refused, or flat, clean and shown the same when shown again', () => {
  let shownTotal = 0;
  fc.assert(
    fc.property(anything, fc.constantFrom('string', 'array', 'integer'), (given, type) => {
      const field = isJsonObject(given) ? { ...given, type } : given;
      let shown: JsonObject;
      try {
        shown = readFlatForm({ type: 'object', properties: { field } });
      } catch (thrown) {
        assert.ok(thrown instanceof HostError && thrown.code === 'mcp_protocol_error');
        return;
      }
      shownTotal += 1;
      const text = JSON.stringify(shown);
      assert.ok(!hasHidden(text) && !text.includes('"pattern"') && text.length < 5_000);
      assert.deepEqual(readFlatForm(shown), shown);
    }),
  );
  assert.ok(shownTotal > 0);
});

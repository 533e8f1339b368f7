import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readForm, readLine } from './input-form.ts';
import type { FormField } from './input-form.ts';

const form = {
  type: 'object',
  properties: {
    name: { type: 'string', title: 'Name', description: 'As in the passport', minLength: 1 },
    age: { type: 'integer' },
    height: { type: 'number' },
    agreed: { type: 'boolean' },
    colour: { type: 'string', enum: ['r', 'g'], enumNames: ['red', 'green'] },
    size: { type: 'string', oneOf: [{ const: 's', title: 'small' }, { const: 'l' }] },
    extras: { type: 'array', items: { type: 'string', enum: ['a', 'b'] } },
    toppings: { type: 'array', items: { anyOf: [{ const: 'x', title: 'ex' }] } },
  },
  required: ['name'],
};

function fieldOf(name: string): FormField {
  const fields = readForm(JSON.stringify(form)) ?? assert.fail();
  return fields.find((field) => field.name === name) ?? assert.fail(name);
}

function valueOf(name: string, line: string): unknown {
  const reading = readLine(fieldOf(name), line);
  return reading.kind === 'value' ? reading.value : reading.kind;
}

test('a form is read with every kind of field that MCP has', () => {
  assert.deepEqual(
    (readForm(JSON.stringify(form)) ?? []).map(({ type, isRequired }) => [type, isRequired]),
    [
      ['text', true],
      ['integer', false],
      ['number', false],
      ['boolean', false],
      ['choice', false],
      ['choice', false],
      ['choices', false],
      ['choices', false],
    ],
  );
  assert.deepEqual(fieldOf('size').choices, [
    { value: 's', title: 'small' },
    { value: 'l', title: '' },
  ]);
  assert.deepEqual(fieldOf('colour').choices[1], { value: 'g', title: 'green' });
});

test('a line becomes a value of its field', () => {
  for (const [name, line, value] of [
    ['name', ' Ann ', 'Ann'],
    ['age', '42', 42],
    ['height', '1.5', 1.5],
    ['agreed', 'Yes', true],
    ['agreed', 'n', false],
    ['colour', 'g', 'g'],
    ['colour', 'green', 'g'],
    ['size', 'small', 's'],
    ['extras', 'a, b', ['a', 'b']],
    ['toppings', 'ex', ['x']],
    ['age', '', 'left-out'],
  ] as const) {
    assert.deepEqual(valueOf(name, line), value);
  }
});

test('what is preset is taken when nothing is typed, also where something has to be given', () => {
  const properties = { colour: { type: 'string', enum: ['r', 'g'], default: 'g' } };
  const [field] = readForm(JSON.stringify({ properties, required: ['colour'] })) ?? [];
  assert.ok(field !== undefined);
  assert.deepEqual(readLine(field, ''), { kind: 'value', value: 'g' });
  assert.deepEqual(readLine(field, 'r'), { kind: 'value', value: 'r' });
});

test('a line that does not fit is refused', () => {
  for (const [name, line] of [
    ['name', '  '],
    ['age', '1.5'],
    ['age', 'x'],
    ['height', 'Infinity'],
    ['agreed', 'perhaps'],
    ['colour', 'blue'],
    ['extras', 'a,c'],
    ['extras', 'a,'],
  ] as const) {
    assert.equal(valueOf(name, line), 'wrong');
  }
});

test('a schema of another kind is no form, and nothing throws', () => {
  for (const text of [
    '',
    '[]',
    '{"properties":{"a":{"type":"object"}}}',
    '{"properties":{"a":1}}',
  ]) {
    assert.equal(readForm(text), undefined);
  }
  fc.assert(
    fc.property(fc.json(), fc.string(), (text, line) => {
      for (const field of readForm(text) ?? []) readLine(field, line);
      for (const field of readForm(`{"properties":${text}}`) ?? []) readLine(field, line);
    }),
  );
});

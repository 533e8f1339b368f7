import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { HostError, isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import fc from 'fast-check';
import { toVisibleText } from '../../hiding/visible-text.ts';
import { readElicitation } from './elicitation-form.ts';
import type { Elicitation } from './elicitation-form.ts';

function formOf(properties: JsonObject, required: readonly string[] = []): JsonObject {
  return { message: 'x', requestedSchema: { type: 'object', properties, required } };
}

function fieldsOf({ schema }: Elicitation): JsonObject {
  const properties = schema?.['properties'];
  return properties !== undefined && isJsonObject(properties) ? properties : assert.fail();
}

suite('a request for input', () => {
  test('keeps every kind of field that MCP has, and nothing else of it', () => {
    const kept: JsonObject = {
      name: { type: 'string', title: 'Name', description: 'As it is', minLength: 1, maxLength: 9 },
      mail: { type: 'string', format: 'email', default: 'a@b.example' },
      age: { type: 'integer', minimum: 0, maximum: 150, default: 7 },
      height: { type: 'number' },
      agreed: { type: 'boolean', default: false },
      colour: { type: 'string', enum: ['r', 'g'], enumNames: ['red', 'green'] },
      size: { type: 'string', oneOf: [{ const: 's', title: 'small' }, { const: 'l' }] },
      extras: {
        type: 'array',
        items: { type: 'string', enum: ['a'] },
        minItems: 1,
        default: ['a'],
      },
      more: { type: 'array', items: { type: 'string', anyOf: [{ const: 'x', title: 'ex' }] } },
    };
    assert.deepEqual(fieldsOf(readElicitation(formOf(kept))), kept);
    const noisy = { name: { type: 'string', pattern: '(a+)+$', $ref: '#', format: 'regex' } };
    assert.deepEqual(fieldsOf(readElicitation(formOf(noisy))), { name: { type: 'string' } });
  });

  test('requires only fields that it has, each once, and allows no others', () => {
    const { schema } = readElicitation(formOf({ a: { type: 'string' } }, ['a', 'a', 'b']));
    assert.deepEqual([schema?.['required'], schema?.['additionalProperties']], [['a'], false]);
  });

  test('whose choices or names do not show as what they are is refused', () => {
    for (const properties of [
      { 'a\u200Bb': { type: 'string' } },
      { 'a\nb': { type: 'string' } },
      { '': { type: 'string' } },
      { a: { type: 'string', enum: ['yes\u202E'] } },
      { a: { type: 'string', enum: [] } },
      { a: { type: 'string', enum: [1] } },
      { a: { type: 'string', oneOf: [{ title: 'no value' }] } },
      { a: { type: 'array', items: { type: 'string' } } },
      { a: { type: 'object' } },
      { a: {} },
      Object.fromEntries(
        Array.from({ length: 33 }, (_, index) => [`f${index}`, { type: 'string' }]),
      ),
    ] as readonly JsonObject[]) {
      assert.throws(() => readElicitation(formOf(properties)), HostError);
    }
  });

  test('sends nobody to an address that hides where it leads', () => {
    const ask = (url: unknown): string =>
      readElicitation({ message: 'x', mode: 'url', url } as JsonObject).url;
    assert.equal(ask('https://pay.example/a?b=c'), 'https://pay.example/a?b=c');
    assert.equal(ask('http://localhost:3000/x'), 'http://localhost:3000/x');
    // Look-alikes of other scripts show as what they are.
    assert.match(ask('https://p\u0430y.example/'), /^https:\/\/xn--/);
    assert.doesNotMatch(ask('https://pay.example/\u202E\u200B'), /[\u202E\u200B]/);
    for (const url of [
      undefined,
      7,
      '',
      'pay.example',
      'http://pay.example/',
      'http://localhost.evil.example/',
      'https://bank.example@evil.example/',
      'javascript:alert(1)',
      'file:///etc/passwd',
      `https://pay.example/${'x'.repeat(3_000)}`,
    ]) {
      assert.throws(() => ask(url), HostError);
    }
  });

  test('of any shape is read within bounds or refused as not of the protocol', () => {
    const type = fc.constantFrom('string', 'number', 'integer', 'boolean', 'array', 'object');
    const field = fc.dictionary(
      fc.constantFrom(
        'title',
        'enum',
        'oneOf',
        'items',
        'default',
        'minLength',
        'minimum',
        'format',
      ),
      fc.jsonValue(),
    );
    const form = fc
      .dictionary(fc.string(), fc.tuple(type, field))
      .map((fields) =>
        Object.fromEntries(
          Object.entries(fields).map(([name, [kind, rest]]) => [name, { type: kind, ...rest }]),
        ),
      );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), form), fc.string(), (properties, message) => {
        const requestedSchema = { type: 'object', properties };
        try {
          // What fast-check makes of JSON is JSON.
          const read = readElicitation({ message, requestedSchema } as JsonObject);
          assert.ok(read.message.length <= 2_000);
          assert.ok(Object.keys(fieldsOf(read)).length <= 32);
        } catch (thrown) {
          assert.ok(thrown instanceof HostError && thrown.code === 'mcp_protocol_error');
        }
      }),
    );
  });
});

test('visible text has nothing that acts on a terminal or hides, is bounded and stays as it is when read again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(40), (text, length) => {
      const shown = toVisibleText(text, length + 1);
      assert.doesNotMatch(shown, /(?![\n\t])[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u);
      assert.ok(shown.length <= length + 1 && shown.isWellFormed());
      assert.equal(toVisibleText(shown, length + 1), shown);
    }),
  );
  assert.equal(toVisibleText('two\nlines\tand 日本', 100), 'two\nlines\tand 日本');
});

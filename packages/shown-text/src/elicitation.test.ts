import assert from 'node:assert/strict';
import test from 'node:test';
import { HostError } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import { readElicitation } from './elicitation.ts';

const form = { type: 'object', properties: { name: { type: 'string' } } };

function refusalOf(params: JsonObject): string {
  try {
    readElicitation(params);
  } catch (thrown) {
    assert.ok(thrown instanceof HostError && thrown.code === 'mcp_protocol_error');
    return thrown.message;
  }
  return assert.fail('it was read');
}

test('a form is read with or without its mode, and its message is shown', () => {
  const shown = { mode: 'form', message: 'Who are you?', schema: form };
  const message = 'Who\u200B are \u001B[31myou\u202E?';
  for (const params of [{}, { mode: 'form' }]) {
    assert.deepEqual(readElicitation({ ...params, message, requestedSchema: form }), shown);
  }
  const long = { message: 'x'.repeat(100_000), requestedSchema: form };
  assert.equal(readElicitation(long).message, `${'x'.repeat(1_999)}…`);
});

test('a request of another kind, or with no text to show, is refused', () => {
  const cases: readonly (readonly [JsonObject, string])[] = [
    [{ requestedSchema: form }, 'has no message'],
    [{ message: 7, requestedSchema: form }, 'has no message'],
    [{ message: 'x', mode: 'iframe', requestedSchema: form }, 'is neither a form nor an address'],
    [{ message: 'x', mode: 7, requestedSchema: form }, 'is neither a form nor an address'],
    [{ message: 'x' }, 'has no flat schema'],
    [{ message: 'x', mode: 'url' }, 'wants a person to open an address that is not one of the web'],
  ];
  for (const [params, why] of cases) assert.equal(refusalOf(params), why);
});

for (const [url, shown] of [
  ['https://shop.example.com/pay?id=1', 'https://shop.example.com/pay?id=1'],
  ['http://127.0.0.1:8080/callback', 'http://127.0.0.1:8080/callback'],
  ['http://localhost:3000/x', 'http://localhost:3000/x'],
  // Look-alikes of other scripts show as what they are.
  ['https://b\u0430nk.example.com/', 'https://xn--bnk-6cd.example.com/'],
  ['https://shop.example.com/\u202Egnp', 'https://shop.example.com/%E2%80%AEgnp'],
  ['http://shop.example.com/pay', undefined],
  ['http://localhost.example.com/', undefined],
  ['shop.example.com', undefined],
  ['javascript:alert(1)', undefined],
  ['file:///etc/passwd', undefined],
  ['https://bank.example.com@evil.example.com/', undefined],
  ['https://:secret@evil.example.com/', undefined],
  [`https://shop.example.com/${'x'.repeat(2_048)}`, undefined],
  ['', undefined],
  [7, undefined],
] as const) {
  test(`abuse A13: a person is ${shown === undefined ? 'not ' : ''}sent to "${String(url).slice(0, 60)}"`, () => {
    const params = { mode: 'url', message: 'Open it.', url };
    if (shown === undefined) assert.match(refusalOf(params), /of the web/);
    else assert.deepEqual(readElicitation(params), { ...params, url: shown });
  });
}

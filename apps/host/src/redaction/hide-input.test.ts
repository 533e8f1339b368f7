import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Role } from '@modelhost/contracts';
import { loadKeys } from '@modelhost/keys-file';
import type { RedactionStyles } from '@modelhost/kernel';
import { createHostRedactor } from '@modelhost/redaction';
import { file, image, readChanged, text } from '../fixtures/run-specs.ts';
import type { SpecInit } from '../fixtures/run-specs.ts';
import { hideInput } from './hide-input.ts';
import type { HiddenInput } from './hide-input.ts';

// Built from parts, so that no scanner takes it for a real one.
const token = ['ghp', 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5'].join('_');
const address = 'ann@example.org';
const told = `${token} of ${address}`;

const environmentValue = Buffer.alloc(32, 7).toString('base64');
const keys = await loadKeys({ path: 'unused', environmentValue });
const redactor = createHostRedactor({ always: { secrets: 'token' }, keys });

async function hide(
  change: SpecInit,
  styles: RedactionStyles = { email: 'mask' },
): Promise<HiddenInput> {
  const { requestId: _none, ...spec } = readChanged(change);
  const principal = { tenant: 'acme', subject: 'alice', roles: [] };
  return hideInput(redactor, { runId: 'run_1', principal, ...spec }, styles);
}

test('every text of a request loses what is hidden always and what policy asks for', async () => {
  const schema = JSON.stringify({ type: 'object', description: told });
  const { input, found } = await hide({
    input: [text(told), file({ uri: 'https://a.example/b', name: told })],
    history: [
      { role: Role.SYSTEM, content: [text(told)] },
      { role: Role.USER, content: [text(told)] },
      {
        role: Role.ASSISTANT,
        content: [text(told)],
        toolCalls: [{ id: 'c1', name: 'ask', argumentsJson: JSON.stringify({ [told]: [told] }) }],
      },
      { role: Role.TOOL, content: [text(told)], toolCallId: 'c1' },
    ],
    metadata: { [told]: told },
    sampling: { stopSequences: [token] },
    clientTools: [{ name: 'ask', description: told, inputSchemaJson: schema }],
    answerSchemaJson: schema,
  });
  const shown = JSON.stringify(input);
  assert.ok(!shown.includes(token) && !shown.includes(address), shown);
  assert.deepEqual(input.metadata, { '[SECRET] of ********': '[SECRET] of ********' });
  assert.deepEqual(found, { email: 13, secrets: 14 });
});

test('what has nothing in it stays as it is, to the last character', async () => {
  const argumentsJson = '{ "a" : [1.50, "x"] }';
  const spec: SpecInit = {
    history: [
      { role: Role.USER, content: [text('a')] },
      { role: Role.ASSISTANT, content: [], toolCalls: [{ id: 'c1', name: 'ask', argumentsJson }] },
    ],
    metadata: { ticket: '4111' },
  };
  const { requestId: _none, ...plain } = readChanged(spec);
  const { input, found } = await hide(spec);
  const { runId: _run, principal: _who, ...hidden } = input;
  assert.deepEqual(hidden, plain);
  assert.deepEqual(found, {});
});

test('no value hides in the arguments of an earlier call', async () => {
  const escaped = token.replace('p', String.raw`\u0070`);
  const given = [
    [`{"text":"${escaped}","text":"ok"}`, '{"text":"ok"}'],
    [`{"text":"${escaped}"}`, '{"text":"[SECRET]"}'],
    ['{"text":"[EMAIL_1:\\u0061b12]","text":"ok"}', '{"text":"ok"}'],
  ] as const;
  for (const [argumentsJson, hidden] of given) {
    const { input } = await hide({
      history: [
        { role: Role.USER, content: [text('a')] },
        {
          role: Role.ASSISTANT,
          content: [],
          toolCalls: [{ id: 'c1', name: 'ask', argumentsJson }],
        },
      ],
    });
    const [, answer] = input.history;
    assert.equal(answer?.role === 'assistant' && answer.toolCalls[0]?.arguments, hidden);
  }
});

test('a long text is hidden in parts, and comes out as one', async () => {
  const long = `${'word '.repeat(13_106)}${told} ${'word '.repeat(30_000)}${told}`;
  const { input } = await hide({ input: [text(long)] });
  assert.deepEqual(input.input, [
    { type: 'text', text: long.replaceAll(token, '[SECRET]').replaceAll(address, '********') },
  ]);
});

test('an address keeps its session when it has a placeholder; one from outside is none', async () => {
  const { input } = await hide(
    { input: [text(`[EMAIL_1:ab12] or ${address}`)] },
    { email: 'placeholder' },
  );
  const [part] = input.input;
  assert.match(
    part?.type === 'text' ? part.text : '',
    /^\(EMAIL_1:ab12\] or \[EMAIL_1:[0-9a-f]{4}\]$/,
  );
  const session = redactor.open({ tenant: 'acme', sessionId: 'run_1' });
  session.adopt(input.placeholders ?? null);
  const values = { to: part?.type === 'text' ? part.text.slice(18) : '' };
  const restored = session.restore(values, { to: ['email'] });
  assert.deepEqual(restored.type === 'restored' && restored.arguments, { to: address });
});

const uri = `https://a.example/${token}`;

for (const [field, part] of [
  ['file', file({ uri })],
  ['image', image({ mediaType: 'image/png', source: { case: 'uri', value: uri } })],
] as const) {
  test(`the address of an ${field} with a secret in it is refused, and not told`, async () => {
    await assert.rejects(hide({ input: [text('see'), part] }), {
      code: 'validation_failed',
      message: `spec.input[1].${field}.uri: has something in it that is hidden here; give an address without it`,
    });
  });
}

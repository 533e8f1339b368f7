import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, ScalarType } from '@bufbuild/protobuf';
import type { DescMessage } from '@bufbuild/protobuf';
import {
  AgentService,
  GetStatusResponseSchema,
  GetToolResponseSchema,
  ListRunsResponseSchema,
  PolicyService,
  SessionService,
  SystemService,
  ToolService,
} from '@modelhost/contracts';
import { loadKeys } from '@modelhost/keys-file';
import { createHostRedactor } from '@modelhost/redaction';
import { createMessageHiding } from './hide-message.ts';

// Built from parts, so that no scanner takes it for a real one.
const token = ['ghp', 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5'].join('_');
const environmentValue = Buffer.alloc(32, 7).toString('base64');
const keys = await loadKeys({ path: 'unused', environmentValue });
const hide = createMessageHiding(createHostRedactor({ always: { secrets: 'token' }, keys }));

test('texts are hidden wherever they stand in an answer', () => {
  const message = create(GetStatusResponseSchema, {
    version: '1.0',
    components: [{ name: 'tools/a', error: `no ${token}` }, { name: token }],
  });
  hide(GetStatusResponseSchema, message);
  assert.deepEqual(
    message.components.map(({ name, error }) => [name, error]),
    [
      ['tools/a', 'no [SECRET]'],
      ['[SECRET]', ''],
    ],
  );
});

test('a text of JSON stays one, to the last character where nothing is in it, and what is none is a text', () => {
  const plain = '{ "type" : "object" }';
  const told = JSON.stringify({ default: `a "${token}"` });
  for (const [given, shown] of [
    [plain, plain],
    [told, '{"default":"a \\"[SECRET]\\""}'],
    [`{ no JSON: ${token}`, '{ no JSON: [SECRET]'],
  ] as const) {
    const message = create(GetToolResponseSchema, { outputSchemaJson: given });
    hide(GetToolResponseSchema, message);
    assert.equal(message.outputSchemaJson, shown);
  }
});

test('what is of our own making stays, whatever it looks like', () => {
  const message = create(ListRunsResponseSchema, {
    nextPageToken: token,
    runs: [{ runId: token }],
  });
  hide(ListRunsResponseSchema, message);
  assert.equal(message.nextPageToken, token);
  assert.equal(message.runs[0]?.runId, token);
});

const services = [AgentService, SessionService, ToolService, PolicyService, SystemService];

/** Every message that is answered with, or in one that is. */
function messagesOf(type: DescMessage, seen: Set<DescMessage>): void {
  if (seen.has(type)) return;
  seen.add(type);
  for (const { message } of type.fields) if (message !== undefined) messagesOf(message, seen);
}

test('the texts that stay are exactly these, so that a new one is a decision', () => {
  const seen = new Set<DescMessage>();
  for (const service of services) {
    for (const { methodKind, output } of service.methods) {
      if (methodKind === 'unary') messagesOf(output, seen);
    }
  }
  const stay = [...seen].flatMap((type) => {
    const message = create(type, allTexts(type));
    hide(type, message);
    return type.fields
      .filter(
        ({ fieldKind, localName }) => fieldKind === 'scalar' && read(message, localName) === token,
      )
      .map(({ name }) => `${type.name}.${name}`);
  });
  const names = stay
    .filter((name) => !/^(?:Run|Session|Tool|ToolPin|Turn)\./.test(name))
    .map((name) => name.slice(name.indexOf('.') + 1));
  assert.deepEqual([...new Set(names)].toSorted(), [
    'activated_by',
    'approved_set_digest',
    'authorization_url',
    'call_id',
    'cancelled_by',
    'decision_id',
    'digest',
    'id',
    'next_page_token',
    'policy_digest',
    'run_id',
    'set_digest',
    'subject',
    'tool_call_id',
    'version',
  ]);
});

function allTexts(type: DescMessage): Record<string, unknown> {
  return Object.fromEntries(
    type.fields.flatMap((field) =>
      field.fieldKind === 'scalar' &&
      field.scalar === ScalarType.STRING &&
      !field.name.endsWith('_json')
        ? [[field.localName, token]]
        : [],
    ),
  );
}

function read(message: object, name: string): unknown {
  return Reflect.get(message, name);
}

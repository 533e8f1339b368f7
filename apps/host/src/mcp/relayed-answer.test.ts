import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerChange } from '@modelhost/agent-core';
import { parseJsonText } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { mapOutcome, relayedAnswer } from './relayed-answer.ts';

const result: JsonObject = {
  content: [
    { type: 'text', text: 'ä link', annotations: { audience: ['user'] } },
    { type: 'image', data: 'bGlualink', mimeType: 'image/png' },
    { type: 'resource', resource: { uri: 'link://1', text: 'link' } },
    { type: 'resource_link', uri: 'x://1', name: 'link' },
  ],
  isError: false,
  structuredContent: { found: [{ name: 'link', count: 3, isNew: true, more: null }] },
  _meta: { note: 'link' },
};

/** Puts `-` in the place of each of these, a number included. */
function changeOf(hidden: string): AnswerChange {
  const text = (whole: string): string => whole.replaceAll(hidden, '-');
  const json = (value: Json): Json => {
    const changed = text(JSON.stringify(value));
    return changed === '-' ? '-' : parseJsonText(changed);
  };
  return {
    text,
    piece: ({ before, text: part, isCut }) => `<${before}|${text(part)}|${isCut}>`,
    json,
    hide: (address) => (address.includes(hidden) ? 'hidden:' : address),
  };
}

const linkFree = changeOf('link');

test('a result is changed but for what its reader needs to understand it', () => {
  assert.deepEqual(mapOutcome({ kind: 'complete', result }, linkFree), {
    kind: 'complete',
    result: {
      content: [
        { type: 'text', text: 'ä -', annotations: { audience: ['user'] } },
        { type: 'image', data: 'bGlualink', mimeType: 'image/png' },
        { type: 'resource', resource: { uri: 'hidden:', text: '-' } },
        { type: 'resource_link', uri: 'x://1', name: '-' },
      ],
      structuredContent: { found: [{ name: '-', count: 3, isNew: true, more: null }] },
      isError: false,
      _meta: { note: '-' },
    },
  });
});

test('what only has the name of a member of the protocol is changed like anything else', () => {
  const names = ['data', 'uri', 'type', 'role', 'blob', '_meta', 'mimeType', 'link'];
  const strange = (value: Json): JsonObject =>
    Object.fromEntries(names.map((name) => [name, value]));
  const found = (value: unknown): boolean => JSON.stringify(value).includes('link');
  for (const value of ['a link', { data: { link: 'a link' } }, [['link', { uri: 'link' }]]]) {
    const given: JsonObject = {
      content: [
        strange(value),
        { ...strange(value), type: 'text' },
        { type: 'image', data: 'a link' },
      ],
      contents: [strange(value), { blob: 'a link', text: value }, value],
      messages: [
        { role: value, content: strange(value) },
        { role: 'user', content: value },
      ],
      structuredContent: strange(value),
      isError: value,
      other: strange(value),
      ...strange(value),
    };
    assert.equal(found(given), true);
    assert.equal(found(mapOutcome({ kind: 'complete', result: given }, linkFree)), false);
    const error = { code: 1, message: 'x', data: strange(value) };
    assert.equal(found(mapOutcome({ kind: 'error', error }, linkFree)), false);
    const inputRequests = { q: { method: 'elicitation/create', params: strange(value) } } as const;
    const asked = mapOutcome(
      { kind: 'input-required', inputRequests, requestState: undefined },
      linkFree,
    );
    assert.equal(found(asked), false);
  }
});

test('numbers are looked at wherever a server gives them', () => {
  const change = changeOf('4111');
  const structuredContent = { card: 4111, few: 7 };
  const block = { type: 'resource_link', uri: 'x://1', size: 4111 };
  assert.deepEqual(
    mapOutcome(
      { kind: 'complete', result: { content: [block], structuredContent } },
      {
        ...change,
        json: (value) =>
          JSON.parse(JSON.stringify(value), (_, one: Json) => (one === 4111 ? '-' : one)) as Json,
      },
    ),
    {
      kind: 'complete',
      result: { content: [{ ...block, size: '-' }], structuredContent: { card: '-', few: 7 } },
    },
  );
  const error = { code: 4111, message: 'no' };
  assert.deepEqual(mapOutcome({ kind: 'error', error }, change), {
    kind: 'error',
    error: { code: -32_603, message: 'no' },
  });
});

test('the address of a kept result stays, and one that only looks like it does not', () => {
  const kept = 'result://ef38dd0a-33b0-402d-b34b-fce1cd7c7f1e?offset=963';
  const change = changeOf('result');
  const contents = [kept, 'result://linked'].map((uri) => ({ uri, text: '' }));
  assert.deepEqual(mapOutcome({ kind: 'complete', result: { contents } }, change), {
    kind: 'complete',
    result: {
      contents: [
        { uri: kept, text: '' },
        { uri: 'hidden:', text: '' },
      ],
    },
  });
});

test('the part of a longer text is changed as one, and nobody else hears of the rest', () => {
  const part = { index: 1, before: 'b', isCut: true };
  const block = { type: 'text', text: 'link' };
  assert.deepEqual(
    mapOutcome({ kind: 'complete', result: { content: [block, block] }, part }, linkFree),
    {
      kind: 'complete',
      result: {
        content: [
          { type: 'text', text: '-' },
          { type: 'text', text: '<b|-|true>' },
        ],
      },
    },
  );
});

test('every text of a result counts, encoded bytes and structured content included', () => {
  const bytesOf = (given: JsonObject): number | undefined =>
    relayedAnswer({ kind: 'complete', result: given })?.bytes;
  assert.equal(bytesOf({ content: [{ text: 'ä' }], structuredContent: { a: ['bc', 1] } }), 4);
  assert.equal(bytesOf({ content: [{ data: 'x'.repeat(100) }] }), 100);
  assert.equal(bytesOf({}), 0);
});

test('what a server asks and how it refuses has texts, too', () => {
  const inputRequests = {
    q: { method: 'elicitation/create', params: { message: 'a link', mode: 'form' } },
  } as const;
  assert.deepEqual(
    mapOutcome({ kind: 'input-required', inputRequests, requestState: 'link' }, linkFree),
    {
      kind: 'input-required',
      inputRequests: {
        q: { method: 'elicitation/create', params: { message: 'a -', mode: 'form' } },
      },
      requestState: 'link',
    },
  );
  const error = { code: -1, message: 'no link', data: { why: 'link' } };
  assert.deepEqual(mapOutcome({ kind: 'error', error }, linkFree), {
    kind: 'error',
    error: { code: -1, message: 'no -', data: { why: '-' } },
  });
});

test('a question and a refusal of a server are no answer', () => {
  const asking = { kind: 'input-required', inputRequests: {}, requestState: 's' } as const;
  const refusing = { kind: 'error', error: { code: -1, message: 'no' } } as const;
  assert.deepEqual([relayedAnswer(asking), relayedAnswer(refusing)], [undefined, undefined]);
});

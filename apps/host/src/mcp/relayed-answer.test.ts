import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@modelhost/kernel';
import { mapOutcome, relayedAnswer } from './relayed-answer.ts';

const result: JsonObject = {
  content: [
    { type: 'text', text: 'ä link', annotations: { audience: ['user'] } },
    { type: 'image', data: 'bGluaw==', mimeType: 'image/link' },
    { type: 'resource', resource: { uri: 'link://1', text: 'link' } },
  ],
  structuredContent: { found: [{ name: 'link', count: 3, isNew: true, more: null }] },
  _meta: { note: 'link' },
};

test('the texts of a result can be changed, and nothing that its reader needs to understand it', () => {
  const changed = mapOutcome({ kind: 'complete', result }, (text) => text.replaceAll('link', '-'));
  assert.deepEqual(changed, {
    kind: 'complete',
    result: {
      content: [
        { type: 'text', text: 'ä -', annotations: { audience: ['user'] } },
        { type: 'image', data: 'bGluaw==', mimeType: 'image/link' },
        { type: 'resource', resource: { uri: 'link://1', text: '-' } },
      ],
      structuredContent: { found: [{ name: '-', count: 3, isNew: true, more: null }] },
      _meta: { note: 'link' },
    },
  });
});

test('every text of a result counts, encoded bytes and structured content included', () => {
  const bytesOf = (given: JsonObject): number | undefined =>
    relayedAnswer({ kind: 'complete', result: given })?.bytes;
  assert.equal(bytesOf({ content: [{ text: 'ä' }], structuredContent: { a: ['bc', 1] } }), 4);
  assert.equal(bytesOf({ content: [{ data: 'x'.repeat(100) }] }), 100);
  assert.equal(bytesOf({}), 0);
});

test('what a server asks and how it refuses has texts, too', () => {
  const change = (text: string): string => text.replaceAll('link', '-');
  const inputRequests = {
    q: { method: 'elicitation/create', params: { message: 'a link', mode: 'form' } },
  } as const;
  assert.deepEqual(
    mapOutcome({ kind: 'input-required', inputRequests, requestState: 'link' }, change),
    {
      kind: 'input-required',
      inputRequests: {
        q: { method: 'elicitation/create', params: { message: 'a -', mode: 'form' } },
      },
      requestState: 'link',
    },
  );
  const error = { code: -1, message: 'no link', data: { why: 'link' } };
  assert.deepEqual(mapOutcome({ kind: 'error', error }, change), {
    kind: 'error',
    error: { code: -1, message: 'no -', data: { why: '-' } },
  });
});

test('a question and a refusal of a server are no answer', () => {
  const asking = { kind: 'input-required', inputRequests: {}, requestState: 's' } as const;
  const refusing = { kind: 'error', error: { code: -1, message: 'no' } } as const;
  assert.deepEqual([relayedAnswer(asking), relayedAnswer(refusing)], [undefined, undefined]);
});

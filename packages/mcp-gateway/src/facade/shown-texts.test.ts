import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonObject } from '@modelhost/kernel';
import { createOutside, listedTool, openCore, resultOf } from './fixtures/outside.ts';
import type { Answer } from './fixtures/outside.ts';
import { showResultTexts } from './shown-texts.ts';

const dirty = 'a\u200Bb';
const bytes = { type: 'image', data: dirty, mimeType: 'image/png' };

test('the texts of a result are cleaned where somebody reads them, and nowhere else', () => {
  const structuredContent = { text: dirty };
  const link = { type: 'resource_link', uri: dirty };
  const cases: readonly (readonly [
    Parameters<typeof showResultTexts>[0],
    JsonObject,
    JsonObject,
  ])[] = [
    [
      'tools/call',
      {
        content: [
          { type: 'text', text: dirty },
          bytes,
          { ...link, name: dirty, title: dirty, description: dirty },
          { type: 'resource', resource: { uri: dirty, text: dirty } },
          { type: 'resource', resource: { uri: dirty, blob: dirty } },
        ],
        structuredContent,
        isError: true,
      },
      {
        content: [
          { type: 'text', text: 'ab' },
          bytes,
          { ...link, name: 'ab', title: 'ab', description: 'ab' },
          { type: 'resource', resource: { uri: dirty, text: 'ab' } },
          { type: 'resource', resource: { uri: dirty, blob: dirty } },
        ],
        structuredContent,
        isError: true,
      },
    ],
    [
      'resources/read',
      {
        contents: [
          { uri: dirty, text: dirty },
          { uri: dirty, blob: dirty },
        ],
      },
      {
        contents: [
          { uri: dirty, text: 'ab' },
          { uri: dirty, blob: dirty },
        ],
      },
    ],
    [
      'prompts/get',
      {
        description: dirty,
        messages: [
          { role: 'user', content: { type: 'text', text: dirty } },
          { role: 'user', content: bytes },
        ],
      },
      {
        description: 'ab',
        messages: [
          { role: 'user', content: { type: 'text', text: 'ab' } },
          { role: 'user', content: bytes },
        ],
      },
    ],
    [
      'completion/complete',
      { completion: { values: [dirty, 'c'], total: 2 } },
      { completion: { values: ['ab', 'c'], total: 2 } },
    ],
  ];
  for (const [method, given, shown] of cases) {
    assert.deepEqual(showResultTexts(method, given), shown);
  }
});

test('a result with nothing hidden in it is the same object, pictures and all', () => {
  const content = [{ type: 'text', text: 'ça va\n' }, bytes, { type: 'resource', resource: {} }];
  const result = { content, structuredContent: { text: dirty } };
  assert.equal(showResultTexts('tools/call', result), result);
  const messages = [{ role: 'user', content: { type: 'text', text: 'x' } }];
  const prompt = { description: 'x', messages };
  assert.equal(showResultTexts('prompts/get', prompt), prompt);
  const odd = { content: 'x', contents: [7], messages: null, completion: [] };
  for (const method of [
    'tools/call',
    'resources/read',
    'prompts/get',
    'completion/complete',
  ] as const) {
    assert.equal(showResultTexts(method, odd), odd);
  }
});

async function callOf(answer: Answer, io: Parameters<ReturnType<typeof openCore>['ask']>[2] = {}) {
  const outside = createOutside(answer);
  outside.offer({ up: { tools: [listedTool('tool')] } });
  return openCore(outside).ask('tools/call', { name: 'up__tool' }, io);
}

for (const era of ['modern', 'legacy'] as const) {
  test(`a ${era} client is given clean results and errors`, async () => {
    const result = { content: [{ type: 'text', text: dirty }] };
    const done = await callOf(() => ({ kind: 'complete', result }), { era });
    assert.deepEqual(resultOf(done)['content'], [{ type: 'text', text: 'ab' }]);
    const data = { hint: dirty, uri: 'test://a' };
    const error = { code: -32_000, message: '\u001B[31mno\u202E\nway', data };
    const failed = await callOf(() => ({ kind: 'error', error }), { era });
    assert.ok(failed.kind === 'error');
    assert.equal(failed.error.message, 'no\nway');
    assert.equal(failed.error.data?.['hint'], 'ab');
    const odd = { ...error, data: { 'a\u200B': 1 } };
    const without = await callOf(() => ({ kind: 'error', error: odd }), { era });
    assert.ok(without.kind === 'error' && !('data' in without.error));
  });
}

test('what a server tells meanwhile is clean too; a message that cannot be is dropped', async () => {
  const told: JsonObject[] = [];
  const tell = (params: JsonObject): void => void told.push(params);
  const answer: Answer = ({ context: { onProgress, onLog } }) => {
    onProgress?.({ progress: 1, message: dirty });
    onLog?.({ level: 'info', data: { note: [dirty] } });
    onLog?.({ level: 'info', data: { 'a\u200B': 1 } });
    return { kind: 'complete', result: { content: [] } };
  };
  await callOf(answer, { onProgress: tell, onLog: tell });
  assert.deepEqual(told, [
    { progress: 1, message: 'ab' },
    { level: 'info', data: { note: ['ab'] } },
  ]);
});

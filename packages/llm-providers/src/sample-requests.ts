import type { ModelRequest } from '@modelhost/kernel';

import { parseJson } from './json-fields.ts';

/** A small request; `changes` replace its members. */
export function requestOf(changes: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model: 'model-1',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
    tools: [],
    toolChoice: { type: 'auto' },
    sampling: {},
    maxOutputTokens: 100,
    answerSchema: undefined,
    idempotencyKey: 'run-1/turn-1/model',
    ...changes,
  };
}

/** A body as it is sent, without what is undefined. */
export function sent(body: unknown): unknown {
  return parseJson(JSON.stringify(body));
}

const pixel = 'iVBORw0KGgo=';

/** A conversation with everything a request can hold. */
export const fullRequest: ModelRequest = requestOf({
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'system', content: 'Use tools.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Look' },
        { type: 'image', mediaType: 'image/png', source: { base64: pixel } },
        { type: 'image', mediaType: 'image/png', source: { uri: 'https://example.com/a.png' } },
        {
          type: 'file',
          mediaType: 'application/pdf',
          name: 'a.pdf',
          uri: 'data:application/pdf;base64,JVBERg==',
        },
        {
          type: 'file',
          mediaType: 'application/pdf',
          name: 'b.pdf',
          uri: 'https://example.com/b.pdf',
        },
        { type: 'file', mediaType: 'text/csv', name: 'c.csv', uri: 'memory://c' },
      ],
    },
    {
      role: 'assistant',
      content: '',
      toolCalls: [
        { id: 'call:1', name: 'fs__read', arguments: '{"path":"a"}' },
        { id: 'call:2', name: 'fs__list', arguments: '{oops' },
      ],
    },
    { role: 'tool', toolCallId: 'call:1', toolName: 'fs__read', content: 'text a', isError: false },
    { role: 'tool', toolCallId: 'call:2', toolName: 'fs__list', content: 'failed', isError: true },
    { role: 'assistant', content: 'Done.', toolCalls: [] },
    { role: 'user', content: [{ type: 'text', text: 'Again' }] },
  ],
  tools: [
    {
      name: 'fs__read',
      description: 'Reads a file',
      inputSchema: { type: 'object', properties: { path: { type: 'string' } } },
      effect: 'none',
      integrity: 'untrusted',
      decisionArguments: [],
      server: 'fs',
      serverTool: 'read',
      executor: 'host',
    },
  ],
  toolChoice: { type: 'required' },
  sampling: { temperature: 0.5, topP: 0.9, stopSequences: ['END'], seed: 7 },
  answerSchema: { type: 'object', properties: { answer: { type: 'string' } } },
});

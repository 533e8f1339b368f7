import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { fullRequest, requestOf, sent } from '../sample-requests.ts';
import { createRequestBody } from './request.ts';

suite('a messages request', () => {
  test('holds everything of a conversation', () => {
    assert.deepEqual(sent(createRequestBody(fullRequest)), {
      model: 'model-1',
      system: 'Be brief.\n\nUse tools.',
      messages: [
        {
          role: 'user',
          content: [
            {
              type: 'text',
              text: 'Look',
            },
            {
              type: 'image',
              source: {
                type: 'base64',
                media_type: 'image/png',
                data: 'iVBORw0KGgo=',
              },
            },
            {
              type: 'image',
              source: {
                type: 'url',
                url: 'https://example.com/a.png',
              },
            },
            {
              type: 'document',
              source: {
                type: 'base64',
                media_type: 'application/pdf',
                data: 'JVBERg==',
              },
              title: 'a.pdf',
            },
            {
              type: 'document',
              source: {
                type: 'url',
                url: 'https://example.com/b.pdf',
              },
              title: 'b.pdf',
            },
            {
              type: 'text',
              text: '[file c.csv, text/csv: memory://c]',
            },
          ],
        },
        {
          role: 'assistant',
          content: [
            {
              type: 'tool_use',
              id: 'call_1',
              name: 'fs__read',
              input: {
                path: 'a',
              },
            },
            {
              type: 'tool_use',
              id: 'call_2',
              name: 'fs__list',
              input: {
                invalid_arguments: '{oops',
              },
            },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'call_1',
              content: 'text a',
              is_error: false,
            },
            {
              type: 'tool_result',
              tool_use_id: 'call_2',
              content: 'failed',
              is_error: true,
            },
          ],
        },
        {
          role: 'assistant',
          content: [
            {
              type: 'text',
              text: 'Done.',
            },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'text',
              text: 'Again',
            },
          ],
        },
      ],
      stream: true,
      max_tokens: 100,
      temperature: 0.5,
      top_p: 0.9,
      stop_sequences: ['END'],
      tools: [
        {
          name: 'fs__read',
          description: 'Reads a file',
          input_schema: {
            type: 'object',
            properties: {
              path: {
                type: 'string',
              },
            },
          },
        },
      ],
      tool_choice: {
        type: 'any',
      },
      output_config: {
        format: {
          type: 'json_schema',
          schema: {
            type: 'object',
            properties: {
              answer: {
                type: 'string',
              },
            },
          },
        },
      },
    });
  });

  test('is small for a small call, and an empty turn is left out', () => {
    const { messages } = requestOf();
    const empty = { role: 'assistant', content: '', toolCalls: [] } as const;
    assert.deepEqual(sent(createRequestBody(requestOf({ messages: [...messages, empty] }))), {
      model: 'model-1',
      messages: [
        {
          role: 'user',
          content: [
            {
              type: 'text',
              text: 'hi',
            },
          ],
        },
      ],
      stream: true,
      max_tokens: 100,
    });
  });

  test('a text file comes as a document', () => {
    const uri = `data:text/csv;base64,${Buffer.from('a,b').toString('base64')}`;
    const file = { type: 'file', mediaType: 'text/csv', name: 'a.csv', uri } as const;
    const body = createRequestBody(requestOf({ messages: [{ role: 'user', content: [file] }] }));
    assert.match(JSON.stringify(body), /"media_type":"text\/plain","data":"a,b"/u);
  });

  test('each tool choice has its form', () => {
    for (const [toolChoice, expected] of [
      [
        { type: 'auto' },
        {
          type: 'auto',
        },
      ],
      [
        { type: 'none' },
        {
          type: 'none',
        },
      ],
      [
        { type: 'required' },
        {
          type: 'any',
        },
      ],
      [
        { type: 'tool', name: 'fs__read' },
        {
          type: 'tool',
          name: 'fs__read',
        },
      ],
    ] as const) {
      const body = sent(createRequestBody({ ...fullRequest, toolChoice }));
      assert.deepEqual(body, { ...(body as object), tool_choice: expected });
    }
  });
});

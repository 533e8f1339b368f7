import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { fullRequest, requestOf, sent } from '../sample-requests.ts';
import { createRequestBody } from './request.ts';

suite('a chat completions request', () => {
  test('holds everything of a conversation', () => {
    assert.deepEqual(sent(createRequestBody(fullRequest, 'openai')), {
      model: 'model-1',
      messages: [
        {
          role: 'system',
          content: 'Be brief.',
        },
        {
          role: 'system',
          content: 'Use tools.',
        },
        {
          role: 'user',
          content: [
            {
              type: 'text',
              text: 'Look',
            },
            {
              type: 'image_url',
              image_url: {
                url: 'data:image/png;base64,iVBORw0KGgo=',
              },
            },
            {
              type: 'image_url',
              image_url: {
                url: 'https://example.com/a.png',
              },
            },
            {
              type: 'file',
              file: {
                filename: 'a.pdf',
                file_data: 'data:application/pdf;base64,JVBERg==',
              },
            },
            {
              type: 'text',
              text: '[file b.pdf, application/pdf: https://example.com/b.pdf]',
            },
            {
              type: 'text',
              text: '[file c.csv, text/csv: memory://c]',
            },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            {
              id: 'call:1',
              type: 'function',
              function: {
                name: 'fs__read',
                arguments: '{"path":"a"}',
              },
            },
            {
              id: 'call:2',
              type: 'function',
              function: {
                name: 'fs__list',
                arguments: '{"invalid_arguments":"{oops"}',
              },
            },
          ],
        },
        {
          role: 'tool',
          tool_call_id: 'call:1',
          content: 'text a',
        },
        {
          role: 'tool',
          tool_call_id: 'call:2',
          content: 'failed',
        },
        {
          role: 'assistant',
          content: 'Done.',
        },
        {
          role: 'user',
          content: 'Again',
        },
      ],
      stream: true,
      stream_options: {
        include_usage: true,
      },
      max_completion_tokens: 100,
      temperature: 0.5,
      top_p: 0.9,
      stop: ['END'],
      seed: 7,
      tools: [
        {
          type: 'function',
          function: {
            name: 'fs__read',
            description: 'Reads a file',
            parameters: {
              type: 'object',
              properties: {
                path: {
                  type: 'string',
                },
              },
            },
          },
        },
      ],
      tool_choice: 'required',
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'answer',
          schema: {
            type: 'object',
            properties: {
              answer: {
                type: 'string',
              },
            },
          },
          strict: false,
        },
      },
    });
  });

  test('is small for a small call, and texts become one text', () => {
    const content = [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ] as const;
    const request = requestOf({ messages: [{ role: 'user', content }] });
    assert.deepEqual(sent(createRequestBody(request, 'compatible')), {
      model: 'model-1',
      messages: [{ role: 'user', content: 'a\n\nb' }],
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 100,
    });
  });

  test('holds only what Mistral takes', () => {
    assert.deepEqual(sent(createRequestBody(requestOf({ sampling: { seed: 7 } }), 'mistral')), {
      model: 'model-1',
      messages: [{ role: 'user', content: 'hi' }],
      stream: true,
      max_tokens: 100,
      random_seed: 7,
    });
  });

  test('each tool choice has its form', () => {
    for (const [toolChoice, expected] of [
      [{ type: 'auto' }, 'auto'],
      [{ type: 'none' }, 'none'],
      [{ type: 'required' }, 'required'],
      [
        { type: 'tool', name: 'fs__read' },
        {
          type: 'function',
          function: {
            name: 'fs__read',
          },
        },
      ],
    ] as const) {
      const body = sent(createRequestBody({ ...fullRequest, toolChoice }, 'openai'));
      assert.deepEqual(body, { ...(body as object), tool_choice: expected });
    }
  });
});

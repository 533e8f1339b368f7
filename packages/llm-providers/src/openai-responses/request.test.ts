import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { fullRequest, requestOf, sent } from '../sample-requests.ts';
import { createRequestBody } from './request.ts';

suite('a responses request', () => {
  test('holds everything of a conversation', () => {
    assert.deepEqual(sent(createRequestBody(fullRequest)), {
      model: 'model-1',
      instructions: 'Be brief.\n\nUse tools.',
      input: [
        {
          role: 'user',
          content: [
            {
              type: 'input_text',
              text: 'Look',
            },
            {
              type: 'input_image',
              image_url: 'data:image/png;base64,iVBORw0KGgo=',
            },
            {
              type: 'input_image',
              image_url: 'https://example.com/a.png',
            },
            {
              type: 'input_file',
              filename: 'a.pdf',
              file_data: 'data:application/pdf;base64,JVBERg==',
            },
            {
              type: 'input_file',
              file_url: 'https://example.com/b.pdf',
            },
            {
              type: 'input_text',
              text: '[file c.csv, text/csv: memory://c]',
            },
          ],
        },
        {
          type: 'function_call',
          call_id: 'call:1',
          name: 'fs__read',
          arguments: '{"path":"a"}',
        },
        {
          type: 'function_call',
          call_id: 'call:2',
          name: 'fs__list',
          arguments: '{oops',
        },
        {
          type: 'function_call_output',
          call_id: 'call:1',
          output: 'text a',
        },
        {
          type: 'function_call_output',
          call_id: 'call:2',
          output: 'failed',
        },
        {
          role: 'assistant',
          content: 'Done.',
        },
        {
          role: 'user',
          content: [
            {
              type: 'input_text',
              text: 'Again',
            },
          ],
        },
      ],
      stream: true,
      store: false,
      max_output_tokens: 100,
      temperature: 0.5,
      top_p: 0.9,
      tools: [
        {
          type: 'function',
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
          strict: false,
        },
      ],
      tool_choice: 'required',
      text: {
        format: {
          type: 'json_schema',
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

  test('is small for a small call', () => {
    assert.deepEqual(sent(createRequestBody(requestOf())), {
      model: 'model-1',
      input: [
        {
          role: 'user',
          content: [
            {
              type: 'input_text',
              text: 'hi',
            },
          ],
        },
      ],
      stream: true,
      store: false,
      max_output_tokens: 100,
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
          name: 'fs__read',
        },
      ],
    ] as const) {
      const body = sent(createRequestBody({ ...fullRequest, toolChoice }));
      assert.deepEqual(body, { ...(body as object), tool_choice: expected });
    }
  });
});

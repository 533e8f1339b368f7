import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { fullRequest, requestOf, sent } from '../sample-requests.ts';
import { createRequestBody, createRequestPath } from './request.ts';

suite('a generateContent request', () => {
  test('holds everything of a conversation', () => {
    assert.deepEqual(sent(createRequestBody(fullRequest)), {
      systemInstruction: {
        parts: [
          {
            text: 'Be brief.\n\nUse tools.',
          },
        ],
      },
      contents: [
        {
          role: 'user',
          parts: [
            {
              text: 'Look',
            },
            {
              inlineData: {
                mimeType: 'image/png',
                data: 'iVBORw0KGgo=',
              },
            },
            {
              fileData: {
                mimeType: 'image/png',
                fileUri: 'https://example.com/a.png',
              },
            },
            {
              inlineData: {
                mimeType: 'application/pdf',
                data: 'JVBERg==',
              },
            },
            {
              fileData: {
                mimeType: 'application/pdf',
                fileUri: 'https://example.com/b.pdf',
              },
            },
            {
              text: '[file c.csv, text/csv: memory://c]',
            },
          ],
        },
        {
          role: 'model',
          parts: [
            {
              functionCall: {
                id: 'call:1',
                name: 'fs__read',
                args: {
                  path: 'a',
                },
              },
              thoughtSignature: 'c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=',
            },
            {
              functionCall: {
                id: 'call:2',
                name: 'fs__list',
                args: {
                  invalid_arguments: '{oops',
                },
              },
            },
          ],
        },
        {
          role: 'user',
          parts: [
            {
              functionResponse: {
                id: 'call:1',
                name: 'fs__read',
                response: {
                  output: 'text a',
                },
              },
            },
            {
              functionResponse: {
                id: 'call:2',
                name: 'fs__list',
                response: {
                  error: 'failed',
                },
              },
            },
          ],
        },
        {
          role: 'model',
          parts: [
            {
              text: 'Done.',
            },
          ],
        },
        {
          role: 'user',
          parts: [
            {
              text: 'Again',
            },
          ],
        },
      ],
      tools: [
        {
          functionDeclarations: [
            {
              name: 'fs__read',
              description: 'Reads a file',
              parametersJsonSchema: {
                type: 'object',
                properties: {
                  path: {
                    type: 'string',
                  },
                },
              },
            },
          ],
        },
      ],
      toolConfig: {
        functionCallingConfig: {
          mode: 'ANY',
        },
      },
      generationConfig: {
        maxOutputTokens: 100,
        temperature: 0.5,
        topP: 0.9,
        stopSequences: ['END'],
        seed: 7,
        responseMimeType: 'application/json',
        responseJsonSchema: {
          type: 'object',
          properties: {
            answer: {
              type: 'string',
            },
          },
        },
      },
    });
  });

  test('is small for a small call', () => {
    assert.deepEqual(sent(createRequestBody(requestOf())), {
      contents: [
        {
          role: 'user',
          parts: [
            {
              text: 'hi',
            },
          ],
        },
      ],
      generationConfig: {
        maxOutputTokens: 100,
      },
    });
  });

  test('names the model in its path, whatever is in the name', () => {
    const end = ':streamGenerateContent?alt=sse';
    assert.equal(createRequestPath('gemini-2.5-flash'), `/models/gemini-2.5-flash${end}`);
    assert.equal(createRequestPath('tunedModels/a b'), `/tunedModels/a%20b${end}`);
    assert.equal(createRequestPath('a?x=#'), `/models/a%3Fx%3D%23${end}`);
  });

  test('each tool choice has its form', () => {
    for (const [toolChoice, expected] of [
      [
        { type: 'auto' },
        {
          functionCallingConfig: {
            mode: 'AUTO',
          },
        },
      ],
      [
        { type: 'none' },
        {
          functionCallingConfig: {
            mode: 'NONE',
          },
        },
      ],
      [
        { type: 'required' },
        {
          functionCallingConfig: {
            mode: 'ANY',
          },
        },
      ],
      [
        { type: 'tool', name: 'fs__read' },
        {
          functionCallingConfig: {
            mode: 'ANY',
            allowedFunctionNames: ['fs__read'],
          },
        },
      ],
    ] as const) {
      const body = sent(createRequestBody({ ...fullRequest, toolChoice }));
      assert.deepEqual(body, { ...(body as object), toolConfig: expected });
    }
  });
});

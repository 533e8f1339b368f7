import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Role } from '@modelhost/contracts';
import { fieldsOf, file, image, readChanged, text } from '../fixtures/run-specs.ts';
import type { MessageInit, SpecInit } from '../fixtures/run-specs.ts';

type Row = readonly [title: string, spec: SpecInit, ...fields: string[]];

const refused: readonly Row[] = [
  ['no input', { input: [] }, 'spec.input'],
  ['65 parts', { input: Array.from({ length: 65 }, () => text('x')) }, 'spec.input'],
  ['a part that is nothing', { input: [{}] }, 'spec.input[0]'],
  ['an empty text', { input: [text('a'), text('')] }, 'spec.input[1].text.text'],
  ['a text above 1 MiB', { input: [text('ü'.repeat(524_289))] }, 'spec.input[0].text.text'],
  [
    'an image without a source',
    { input: [image({ mediaType: 'image/png' })] },
    'spec.input[0].image',
  ],
  [
    'an image of no image type',
    {
      input: [
        image({ mediaType: 'text/html', source: { case: 'uri', value: 'https://a.example/' } }),
      ],
    },
    'spec.input[0].image.media_type',
  ],
  [
    'an image without bytes',
    {
      input: [image({ mediaType: 'image/png', source: { case: 'data', value: new Uint8Array() } })],
    },
    'spec.input[0].image.data',
  ],
  [
    'an image above 3 MiB',
    {
      input: [
        image({
          mediaType: 'image/png',
          source: { case: 'data', value: new Uint8Array(3_145_729) },
        }),
      ],
    },
    'spec.input[0].image.data',
  ],
  [
    'an image by http',
    {
      input: [
        image({ mediaType: 'image/png', source: { case: 'uri', value: 'http://a.example/' } }),
      ],
    },
    'spec.input[0].image.uri',
  ],
  [
    'a file of this machine',
    { input: [file({ uri: 'file:///etc/passwd' })] },
    'spec.input[0].file.uri',
  ],
  [
    'an address of 2,049 characters',
    { input: [file({ uri: `https://a.example/${'x'.repeat(2_031)}` })] },
    'spec.input[0].file.uri',
  ],
  [
    'a file without a media type',
    { input: [file({ uri: 'https://a.example/', mediaType: '' })] },
    'spec.input[0].file.media_type',
  ],
  [
    'a name of 256 characters',
    { input: [file({ uri: 'https://a.example/', name: 'x'.repeat(256) })] },
    'spec.input[0].file.name',
  ],
  ['1,001 messages', { history: Array.from({ length: 1_001 }, () => user('x')) }, 'spec.history'],
  ['a message of nobody', { history: [{ content: [text('x')] }] }, 'spec.history[0].role'],
  [
    'a picture of the assistant',
    {
      history: [
        {
          role: Role.ASSISTANT,
          content: [
            image({ mediaType: 'image/png', source: { case: 'uri', value: 'https://a.example/' } }),
          ],
        },
      ],
    },
    'spec.history[0].content[0]',
  ],
  [
    'a call of the user',
    { history: [{ role: Role.USER, content: [text('x')], toolCalls: [{ id: '1', name: 't' }] }] },
    'spec.history[0].tool_calls',
  ],
  [
    'a call without an id, and one without a name',
    {
      history: [
        {
          role: Role.ASSISTANT,
          toolCalls: [
            { name: 't', argumentsJson: '{}' },
            { id: '1', argumentsJson: '{}' },
          ],
        },
      ],
    },
    'spec.history[0].tool_calls[0].id',
    'spec.history[0].tool_calls[1].name',
  ],
  [
    'two calls of one id',
    {
      history: [
        {
          role: Role.ASSISTANT,
          toolCalls: [
            { id: '1', name: 't', argumentsJson: '{}' },
            { id: '1', name: 't', argumentsJson: '{}' },
          ],
        },
      ],
    },
    'spec.history[0].tool_calls[1].id',
  ],
  ...['', '[]', '{', `{"x":"${'x'.repeat(262_137)}"}`].map((argumentsJson): Row => [
    `a call with the arguments ${argumentsJson.slice(0, 8)}`,
    { history: [{ role: Role.ASSISTANT, toolCalls: [{ id: '1', name: 't', argumentsJson }] }] },
    'spec.history[0].tool_calls[0].arguments_json',
  ]),
  [
    'a result of a call that there was not',
    { history: [{ role: Role.TOOL, toolCallId: 'c', content: [text('x')] }] },
    'spec.history[0].tool_call_id',
  ],
  [
    'an id of a call with a message that answers none',
    { history: [{ role: Role.USER, toolCallId: 'c', content: [text('x')] }] },
    'spec.history[0].tool_call_id',
  ],
  [
    '65 parts of a message',
    { history: [{ role: Role.USER, content: Array.from({ length: 65 }, () => text('x')) }] },
    'spec.history[0].content',
  ],
  [
    '65 calls',
    {
      history: [
        {
          role: Role.ASSISTANT,
          toolCalls: Array.from({ length: 65 }, (_none, at) => ({
            id: String(at),
            name: 't',
            argumentsJson: '{}',
          })),
        },
      ],
    },
    'spec.history[0].tool_calls',
  ],
  [
    'a call with an id of 129 and a name of 65 characters',
    {
      history: [
        {
          role: Role.ASSISTANT,
          toolCalls: [{ id: 'i'.repeat(129), name: 'n'.repeat(65), argumentsJson: '{}' }],
        },
      ],
    },
    'spec.history[0].tool_calls[0].id',
    'spec.history[0].tool_calls[0].name',
  ],
  [
    'a result of no call',
    { history: [{ role: Role.TOOL, content: [text('x')] }] },
    'spec.history[0].tool_call_id',
  ],
];

function user(value: string): MessageInit {
  return { role: Role.USER, content: [text(value)] };
}

for (const [title, spec, ...fields] of refused) {
  test(`a run is refused for ${title}`, () => {
    assert.deepEqual(fieldsOf(spec), fields);
  });
}

test('the result of an earlier call carries the name of its tool', () => {
  const { history } = readChanged({
    history: [
      { role: Role.ASSISTANT, toolCalls: [{ id: 'c', name: 'files__read', argumentsJson: '{}' }] },
      { role: Role.TOOL, toolCallId: 'c', content: [text('ok')] },
    ],
  });
  assert.deepEqual(history[1], {
    role: 'tool',
    toolCallId: 'c',
    toolName: 'files__read',
    content: 'ok',
    isError: false,
  });
});

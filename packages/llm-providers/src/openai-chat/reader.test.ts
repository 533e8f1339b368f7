import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { HostError } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';

import { createProviderErrors } from '../provider-errors.ts';
import { requestOf } from '../sample-requests.ts';
import { summarise } from '../testing.ts';
import type { Collected } from '../testing.ts';
import { createReader } from './reader.ts';

const errors = createProviderErrors({ provider: 'mock', secrets: [] });

/** Reads deltas, then a chunk with the reason, then the marker. */
function read(
  deltas: readonly JsonObject[],
  finish: string | null = 'stop',
  more: JsonObject = {},
): Collected {
  const reader = createReader({ request: requestOf(), errors });
  const chunks: JsonObject[] = deltas.map((delta) => ({ choices: [{ index: 0, delta }] }));
  chunks.push({ choices: [{ index: 0, delta: {}, finish_reason: finish }], ...more });
  return summarise([...chunks.flatMap((chunk) => reader.read(chunk)), ...reader.finish('marker')]);
}

function call(members: JsonObject): JsonObject {
  return { tool_calls: [members] };
}

function callsOf(deltas: readonly JsonObject[]): readonly (readonly [string, string, string])[] {
  return read(deltas, 'tool_calls').calls.map(({ id, name, arguments: text }) => [id, name, text]);
}

suite('the chat completions reader', () => {
  test('parallel calls whose fragments are mixed', () => {
    const deltas = [
      call({ index: 0, id: 'a', function: { name: 'x', arguments: '' } }),
      call({ index: 1, id: 'b', function: { name: 'y', arguments: '{"n"' } }),
      call({ index: 0, function: { arguments: '{"m":' } }),
      call({ index: 1, function: { arguments: ':2}' } }),
      call({ index: 0, function: { arguments: '1}' } }),
    ];
    assert.deepEqual(callsOf(deltas), [
      ['a', 'x', '{"m":1}'],
      ['b', 'y', '{"n":2}'],
    ]);
  });

  test('calls that all have index 0, or none', () => {
    for (const index of [{ index: 0 }, {}]) {
      const deltas = [
        call({ ...index, id: 'a', function: { name: 'x', arguments: '{"m":' } }),
        call({ ...index, function: { arguments: '1}' } }),
        call({ ...index, id: 'b', function: { name: 'y', arguments: '{"n":2}' } }),
      ];
      assert.deepEqual(callsOf(deltas), [
        ['a', 'x', '{"m":1}'],
        ['b', 'y', '{"n":2}'],
      ]);
    }
  });

  test('calls without ids and indexes', () => {
    const deltas = [
      call({ function: { name: 'x', arguments: '{}' } }),
      call({ function: { name: 'x', arguments: '{"again":1}' } }),
    ];
    const calls = callsOf(deltas);
    assert.deepEqual(
      calls.map(([, name, text]) => [name, text]),
      [
        ['x', '{}'],
        ['x', '{"again":1}'],
      ],
    );
    assert.notEqual(calls[0]?.[0], calls[1]?.[0]);
  });

  test('an id or a name that is repeated in every fragment', () => {
    const deltas = [
      call({ index: 0, id: 'a', function: { name: 'x', arguments: '{"m"' } }),
      call({ index: 0, id: 'a', function: { name: 'x', arguments: ':1}' } }),
      call({ index: 0, id: '', function: { name: 'x', arguments: '' } }),
    ];
    assert.deepEqual(callsOf(deltas), [['a', 'x', '{"m":1}']]);
  });

  test('arguments that come as an object', () => {
    const deltas = [call({ index: 0, id: 'a', function: { name: 'x', arguments: { m: 1 } } })];
    assert.deepEqual(callsOf(deltas), [['a', 'x', '{"m":1}']]);
  });

  test('a call that the bound on tokens cut off keeps its half arguments', () => {
    const deltas = [call({ index: 0, id: 'a', function: { name: 'x' } })];
    const { calls, stats } = read(deltas, 'length');
    assert.equal(stats.finishReason, 'length');
    assert.equal(calls[0]?.arguments, '');
  });

  test('both names of reasoning, and the parts of Mistral', () => {
    const { text, reasoning } = read([
      { reasoning: 'a' },
      { reasoning_content: 'b' },
      { reasoning_content: 'c', reasoning: 'c' },
      { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'd' }] }] },
      { content: [{ type: 'text', text: 'e' }] },
    ]);
    assert.deepEqual([reasoning, text], ['abcd', 'e']);
  });

  test('a refusal is text with its own reason', () => {
    const { text, stats } = read([{ refusal: 'I ' }, { refusal: 'will not' }]);
    assert.deepEqual([text, stats.finishReason], ['I will not', 'refusal']);
  });

  const reasons: readonly (readonly [string | null, string])[] = [
    ['stop', 'stop'],
    ['length', 'length'],
    ['model_length', 'length'],
    ['tool_calls', 'tool-calls'],
    ['content_filter', 'content-filter'],
    ['constructor', 'other'],
    [null, 'other'],
  ];
  test('each reason has its name here', () => {
    for (const [reason, expected] of reasons) {
      assert.equal(read([{ content: 'x' }], reason).stats.finishReason, expected);
    }
  });

  test('usage: parts are never more than the whole, nonsense is none', () => {
    const usage = (of: JsonObject) => read([], 'stop', { usage: of }).stats.usage;
    assert.deepEqual(
      usage({
        prompt_tokens: 10,
        completion_tokens: 5,
        prompt_cache_hit_tokens: 12,
        completion_tokens_details: { reasoning_tokens: 6 },
      }),
      { inputTokens: 10, outputTokens: 5, cachedInputTokens: 10, reasoningTokens: 5 },
    );
    for (const prompt of [-1, 1.5, '3', null, 2 ** 53]) {
      assert.equal(usage({ prompt_tokens: prompt }), undefined);
    }
  });

  test('other choices than the first are left out', () => {
    const reader = createReader({ request: requestOf(), errors });
    const choices = [{ index: 1, delta: { content: 'no' } }];
    assert.deepEqual(reader.read({ choices }), []);
  });

  test('an error beside content, as an object or a text, ends the answer', () => {
    for (const error of [{ message: 'late', code: 502 }, 'late']) {
      const reader = createReader({ request: requestOf(), errors });
      assert.throws(
        () => reader.read({ error, choices: [{ delta: { content: 'x' } }] }),
        (thrown) => thrown instanceof HostError && thrown.message === 'mock: late',
      );
    }
  });
});

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

function read(chunks: readonly JsonObject[]): Collected {
  const reader = createReader({ request: requestOf(), errors });
  const events = chunks.flatMap((part) => reader.read(part));
  return summarise([...events, ...reader.finish('end-of-body')]);
}

function chunk(parts: readonly JsonObject[], finishReason?: string): JsonObject {
  const candidate: JsonObject = { content: { parts } };
  return {
    candidates: [finishReason === undefined ? candidate : { ...candidate, finishReason }],
  };
}

suite('the generateContent reader', () => {
  test('keeps thoughts apart from text', () => {
    const { text, reasoning } = read([
      chunk([{ text: 'hm', thought: true }, { text: 'a' }]),
      chunk([{ text: 'b' }], 'STOP'),
    ]);
    assert.deepEqual([reasoning, text], ['hm', 'ab']);
  });

  test('calls come whole, without ids and without arguments too', () => {
    const { calls, stats } = read([
      chunk([{ functionCall: { name: 'x' } }, { functionCall: { name: 'x', args: { m: 1 } } }]),
      chunk([], 'STOP'),
    ]);
    assert.deepEqual(
      calls.map((call) => call.arguments),
      ['{}', '{"m":1}'],
    );
    assert.notEqual(calls[0]?.id, calls[1]?.id);
    assert.equal(stats.finishReason, 'tool-calls');
  });

  test('each reason has its name here', () => {
    for (const [reason, expected] of [
      ['STOP', 'stop'],
      ['MAX_TOKENS', 'length'],
      ['SAFETY', 'content-filter'],
      ['PROHIBITED_CONTENT', 'content-filter'],
      ['MALFORMED_FUNCTION_CALL', 'other'],
    ] as const) {
      assert.equal(read([chunk([], reason)]).stats.finishReason, expected);
    }
  });

  test('a blocked prompt has no candidate', () => {
    const { stats } = read([{ promptFeedback: { blockReason: 'SAFETY' } }]);
    assert.equal(stats.finishReason, 'content-filter');
  });

  test('cached tokens are part of the input', () => {
    const usageMetadata = {
      promptTokenCount: 100,
      cachedContentTokenCount: 60,
      toolUsePromptTokenCount: 10,
      candidatesTokenCount: 5,
      thoughtsTokenCount: 7,
    };
    assert.deepEqual(read([{ ...chunk([], 'STOP'), usageMetadata }]).stats.usage, {
      inputTokens: 110,
      outputTokens: 12,
      cachedInputTokens: 60,
      reasoningTokens: 7,
    });
  });

  test('an error in the stream becomes the error, and an end without a reason breaks the protocol', () => {
    assert.throws(
      () => read([{ error: { code: 503, status: 'UNAVAILABLE', message: 'busy' } }]),
      (thrown) => thrown instanceof HostError && thrown.code === 'provider_unavailable',
    );
    assert.throws(
      () => read([chunk([{ text: 'a' }])]),
      (thrown) => thrown instanceof HostError && thrown.code === 'provider_invalid_response',
    );
  });
});

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
const start: JsonObject = { type: 'message_start', message: { id: 'm', usage: {} } };
const stop: JsonObject = { type: 'message_stop' };

function read(events: readonly JsonObject[]): Collected {
  const reader = createReader({ request: requestOf(), errors });
  return summarise(events.flatMap((event) => reader.read(event)));
}

function ended(reason: string, usage: JsonObject = {}): JsonObject {
  return { type: 'message_delta', delta: { stop_reason: reason }, usage };
}

function begin(index: number, block: JsonObject): JsonObject {
  return { type: 'content_block_start', index, content_block: block };
}

function add(index: number, json: string): JsonObject {
  const delta = { type: 'input_json_delta', partial_json: json };
  return { type: 'content_block_delta', index, delta };
}

suite('the messages reader', () => {
  test('keeps the arguments of our tools apart from those of the provider', () => {
    const { calls } = read([
      start,
      begin(0, { type: 'server_tool_use', id: 's', name: 'web_search' }),
      begin(1, { type: 'tool_use', id: 'a', name: 'x', input: {} }),
      begin(2, { type: 'tool_use', id: 'b', name: 'y', input: {} }),
      add(0, '{"query":1}'),
      add(2, '{"n":'),
      add(1, ''),
      add(2, '2}'),
      ended('tool_use'),
      stop,
    ]);
    assert.deepEqual(calls, [
      { id: 'a', name: 'x', arguments: '{}' },
      { id: 'b', name: 'y', arguments: '{"n":2}' },
    ]);
  });

  test('each reason has its name here', () => {
    for (const [reason, expected] of [
      ['end_turn', 'stop'],
      ['stop_sequence', 'stop'],
      ['tool_use', 'tool-calls'],
      ['max_tokens', 'length'],
      ['model_context_window_exceeded', 'length'],
      ['refusal', 'refusal'],
      ['pause_turn', 'other'],
    ] as const) {
      assert.equal(read([start, ended(reason), stop]).stats.finishReason, expected);
    }
  });

  test('the input holds what was read from the cache and written to it', () => {
    const message = {
      usage: { input_tokens: 1, cache_read_input_tokens: 20, cache_creation_input_tokens: 300 },
    };
    const { stats } = read([
      { type: 'message_start', message },
      ended('end_turn', { output_tokens: 7 }),
      stop,
    ]);
    assert.deepEqual(stats.usage, {
      inputTokens: 321,
      outputTokens: 7,
      cachedInputTokens: 20,
      reasoningTokens: 0,
    });
  });

  test('an error in the stream becomes the error', () => {
    const error = { type: 'overloaded_error', message: 'Overloaded' };
    assert.throws(
      () => read([start, { type: 'error', error }]),
      (thrown) => thrown instanceof HostError && thrown.code === 'provider_unavailable',
    );
  });

  test('an end without a reason, or without a beginning, breaks the protocol', () => {
    for (const events of [
      [start, stop],
      [ended('end_turn'), stop],
    ]) {
      assert.throws(
        () => read(events),
        (thrown) => thrown instanceof HostError && thrown.code === 'provider_invalid_response',
      );
    }
  });
});

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

function read(events: readonly JsonObject[]): Collected {
  const reader = createReader({ request: requestOf(), errors });
  return summarise(events.flatMap((event) => reader.read(event)));
}

function completed(response: JsonObject = {}): JsonObject {
  return { type: 'response.completed', response: { status: 'completed', ...response } };
}

function throwsCode(code: string, message: RegExp) {
  return (error: unknown): boolean =>
    error instanceof HostError && error.code === code && message.test(error.message);
}

suite('the responses reader', () => {
  test('parallel calls whose fragments are mixed, without finished items', () => {
    const begin = (index: number, id: string): JsonObject => ({
      type: 'response.output_item.added',
      output_index: index,
      item: { type: 'function_call', call_id: id, name: 'x', arguments: '' },
    });
    const add = (index: number, delta: string): JsonObject => ({
      type: 'response.function_call_arguments.delta',
      output_index: index,
      delta,
    });
    const { calls, stats } = read([
      begin(0, 'a'),
      begin(1, 'b'),
      add(1, '{"n"'),
      add(0, '{"m":1}'),
      add(1, ':2}'),
      completed(),
    ]);
    assert.deepEqual(calls, [
      { id: 'a', name: 'x', arguments: '{"m":1}' },
      { id: 'b', name: 'x', arguments: '{"n":2}' },
    ]);
    assert.equal(stats.finishReason, 'tool-calls');
  });

  test('a refusal is text with its own reason, streamed and whole', () => {
    const output = [{ type: 'message', content: [{ type: 'refusal', refusal: 'I will not' }] }];
    const streamed = read([
      { type: 'response.refusal.delta', delta: 'I will ' },
      { type: 'response.refusal.delta', delta: 'not' },
      completed({ output }),
    ]);
    const reader = createReader({ request: requestOf(), errors });
    const whole = summarise(reader.readWhole({ status: 'completed', output }));
    for (const { text, stats } of [streamed, whole]) {
      assert.deepEqual([text, stats.finishReason], ['I will not', 'refusal']);
    }
  });

  test('an incomplete answer says why', () => {
    for (const [reason, expected] of [
      ['max_output_tokens', 'length'],
      ['content_filter', 'content-filter'],
      ['other', 'other'],
    ] as const) {
      const response = { status: 'incomplete', incomplete_details: { reason } };
      const { stats } = read([{ type: 'response.incomplete', response }]);
      assert.equal(stats.finishReason, expected);
    }
  });

  test('a failed answer and an error event become the error', () => {
    const error = { code: 'rate_limit_exceeded', message: 'slow down' };
    assert.throws(
      () => read([{ type: 'response.failed', response: { status: 'failed', error } }]),
      throwsCode('provider_rate_limited', /slow down/u),
    );
    assert.throws(
      () => read([{ type: 'error', ...error, param: null }]),
      throwsCode('provider_rate_limited', /slow down/u),
    );
  });

  test('an answer that is not over, and arguments of no call, break the protocol', () => {
    const reader = createReader({ request: requestOf(), errors });
    const invalid = throwsCode('provider_invalid_response', /^mock: /u);
    assert.throws(() => reader.readWhole({ status: 'in_progress' }), invalid);
    assert.throws(() => reader.finish('marker'), invalid);
    assert.throws(
      () => read([{ type: 'response.function_call_arguments.delta', output_index: 3, delta: '{' }]),
      invalid,
    );
  });
});

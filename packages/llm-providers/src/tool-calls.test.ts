import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { HostError } from '@modelhost/kernel';
import type { ModelRequest, ToolCall } from '@modelhost/kernel';

import { createProviderErrors } from './provider-errors.ts';
import { requestOf } from './sample-requests.ts';
import { createToolCallDrafts } from './tool-calls.ts';

const errors = createProviderErrors({ provider: 'mock', secrets: [] });

function finish(ids: readonly string[], request: ModelRequest = requestOf()): readonly string[] {
  const drafts = createToolCallDrafts({ request, errors });
  for (const id of ids) drafts.start({ id, name: 'x' });
  return drafts
    .finish({ isWhole: true })
    .map((event) => (event.type === 'tool-call' ? event.call.id : ''));
}

function after(...used: readonly string[]): ModelRequest {
  const toolCalls: ToolCall[] = used.map((id) => ({ id, name: 'x', arguments: '{}' }));
  return requestOf({ messages: [{ role: 'assistant', content: '', toolCalls }] });
}

suite('ids of tool calls', () => {
  test('are those of the provider while they are new in the conversation', () => {
    assert.deepEqual(finish(['call_a', 'call_b'], after('call_c')), ['call_a', 'call_b']);
  });

  test('are our own where the provider gives none, the same twice, one of before or a long one', () => {
    const [given, none, twice, before, long, ...rest] = finish(
      ['call_a', '', 'call_a', 'call_0', 'x'.repeat(65)],
      after('call_0'),
    );
    assert.equal(given, 'call_a');
    assert.deepEqual(rest, []);
    const own = [none, twice, before, long];
    assert.equal(new Set(own).size, 4);
    for (const id of own) assert.match(String(id), /^[0-9a-f]{9}$/u);
  });

  test('are the same on another attempt, and differ between steps', () => {
    assert.deepEqual(finish(['', '']), finish(['', '']));
    const other = finish(['', ''], requestOf({ idempotencyKey: 'run-1/turn-2/model' }));
    assert.equal(new Set([...finish(['', '']), ...other]).size, 4);
  });

  test('are new even where the conversation holds our own id', () => {
    const [own = ''] = finish(['']);
    assert.notDeepEqual(finish([''], after(own)), [own]);
  });
});

suite('arguments of tool calls', () => {
  function argumentsOf(text: string, isWhole: boolean): string | undefined {
    const drafts = createToolCallDrafts({ request: requestOf(), errors });
    drafts.start({ name: 'x' }).arguments += text;
    const [event] = drafts.finish({ isWhole });
    return event?.type === 'tool-call' ? event.call.arguments : undefined;
  }

  test('stay as the model wrote them', () => {
    assert.equal(argumentsOf('{ "a": oops', true), '{ "a": oops');
  });

  test('that are missing mean none, unless the model was cut off', () => {
    assert.equal(argumentsOf('', true), '{}');
    assert.equal(argumentsOf('', false), '');
  });

  test('a call without a name is no call', () => {
    const drafts = createToolCallDrafts({ request: requestOf(), errors });
    drafts.start({ id: 'call_a' });
    assert.throws(
      () => drafts.finish({ isWhole: true }),
      (error) => error instanceof HostError && error.code === 'provider_invalid_response',
    );
  });
});

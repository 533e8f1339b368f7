import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError, toErrorData } from './errors.ts';

test('an error as data has its code, message and facts, and neither stack nor cause', () => {
  const error = new HostError('mcp_timeout', 'no answer', {
    cause: new Error('socket of 10.0.0.1'),
    facts: { tool: 'files__read', timeout_ms: '50' },
    retryAfterMs: 100,
  });
  const data = toErrorData(error);
  assert.deepEqual(data, {
    code: 'mcp_timeout',
    message: 'no answer',
    facts: { tool: 'files__read', timeout_ms: '50' },
    retryAfterMs: 100,
  });
  assert.ok(!JSON.stringify(data).includes('10.0.0.1'));
});

test('what is not ours says nothing of itself', () => {
  for (const thrown of [new TypeError('password=hunter2'), 'hunter2', undefined, { code: 'x' }]) {
    assert.deepEqual(toErrorData(thrown), {
      code: 'internal',
      message: 'internal fault of the host',
      facts: {},
    });
  }
});

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { isNestedTooDeeply, readRpcError, readRpcMessage } from './rpc-message.ts';

const version = { jsonrpc: '2.0' };

test('requests, notifications and answers are told apart', () => {
  const request = { ...version, id: 'a', method: 'ping' };
  assert.deepEqual(readRpcMessage(request), {
    type: 'request',
    id: 'a',
    method: 'ping',
    params: {},
  });
  const notification = { ...version, method: 'm', params: { a: 1 } };
  assert.deepEqual(readRpcMessage(notification), {
    type: 'notification',
    method: 'm',
    params: { a: 1 },
  });
  const result = { a: { b: [1] } };
  const read = readRpcMessage({ ...version, id: 0, result });
  assert.ok(read?.type === 'answer' && read.answer.kind === 'result');
  assert.equal(read.answer.result, result);
  const error = { code: -1, message: 'no', data: { a: 1 } };
  assert.deepEqual(readRpcMessage({ ...version, id: 0, error }), {
    type: 'answer',
    id: 0,
    answer: { kind: 'error', error },
  });
  const nobody = readRpcMessage({ ...version, id: null, error });
  assert.equal(nobody?.type === 'answer' && nobody.id, undefined);
});

const none: readonly unknown[] = [
  null,
  5,
  'text',
  [],
  {},
  { id: 1, result: {} },
  { ...version },
  { ...version, jsonrpc: '1.0', id: 1, result: {} },
  { ...version, id: 1 },
  { ...version, id: 1, result: 5 },
  { ...version, id: true, result: {} },
  { ...version, id: null, result: {} },
  { ...version, id: 1, error: 'no' },
  { ...version, id: 1, error: { code: 'x', message: 'no' } },
  { ...version, method: 'm', params: [1] },
  { ...version, method: 'm', id: {} },
];

for (const value of none) {
  test(`no message: ${JSON.stringify(value)}`, () => {
    assert.equal(readRpcMessage(value), undefined);
  });
}

test('no JSON value makes reading fail', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
      readRpcMessage(one);
      readRpcMessage({ ...version, id: one, result: other, error: one });
      readRpcMessage({ ...version, id: one, method: 'm', params: other });
      readRpcError(one);
    }),
  );
});

test('nesting is bounded at 64 levels, of arrays and objects alike', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    for (const [levels, isTooDeep] of [
      [64, false],
      [65, true],
      [2_000, true],
    ] as const) {
      const text = `${open.repeat(levels)}1${close.repeat(levels)}`;
      assert.equal(isNestedTooDeeply(JSON.parse(text), text.length), isTooDeep);
    }
  }
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { readAnswerId } from './answer-id.ts';
import { endBytesMax } from './line-splitter.ts';

const long = `{"text":"${'x'.repeat(2_000)}"}`;

function idOf(line: string): number | undefined {
  return readAnswerId({ head: line.slice(0, endBytesMax), tail: line.slice(-endBytesMax) });
}

const answers: readonly string[] = [
  `{"jsonrpc":"2.0","id":7,"result":${long}}`,
  `{"id":7,"jsonrpc":"2.0","error":${long}}`,
  `{"result":${long},"jsonrpc":"2.0","id":7}`,
  `{"jsonrpc":"2.0","result":${long},"id":7}\r`,
  `{"result":${long},"id":7,"jsonrpc":"2.0"}`,
  `{"jsonrpc": "2.0", "id": 7, "result": ${long}}`,
  `{ "error" : ${long} , "id" : 7 }`,
];

for (const line of answers) {
  test(`the id of an answer is found: ${line.replace(long, '…')}`, () => {
    assert.equal(idOf(line), 7);
  });
}

const others: readonly string[] = [
  `{"jsonrpc":"2.0","id":7,"method":"roots/list","params":${long}}`,
  `{"method":"roots/list","params":${long},"jsonrpc":"2.0","id":7}`,
  `{"jsonrpc":"2.0","method":"notifications/message","params":${long}}`,
  `{"jsonrpc":"2.0","id":"7","result":${long}}`,
  `{"jsonrpc":"2.0","id":7.5,"result":${long}}`,
  `{"jsonrpc":"2.0","id":7,"result":${long}`.slice(0, -1),
  `{"jsonrpc":"2.0","result":{"a":${long},"id":7}}`,
  String.raw`{"result":${long},"a,\"id":7}`,
  String.raw`{"result":${long},"a":",\"id\":7}"}`,
  `${'x'.repeat(2_000)},"id":7}`,
];

for (const line of others) {
  test(`no id is made up: ${line.replace(long, '…').slice(0, 80)}`, () => {
    assert.equal(idOf(line), undefined);
  });
}

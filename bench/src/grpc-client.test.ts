import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFrameReader } from './grpc-client.ts';
import { frame } from './pipe.ts';

test('messages come out whole and in order, however their bytes are cut', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
  fc.assert(
    fc.property(messages, fc.array(fc.nat(20)), (sent, cuts) => {
      const got: string[] = [];
      const read = createFrameReader((message) => got.push(message.toString('hex')));
      let rest = Buffer.concat(sent.map(frame));
      for (const cut of cuts) {
        read(rest.subarray(0, cut));
        rest = rest.subarray(cut);
      }
      read(rest);
      assert.deepEqual(
        got,
        sent.map((message) => Buffer.from(message).toString('hex')),
      );
    }),
  );
});

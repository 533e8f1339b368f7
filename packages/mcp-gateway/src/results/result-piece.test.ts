import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Principal, ToolAnswer } from '@modelhost/kernel';
import { readPiece } from './result-piece.ts';
import { createResultStore } from './result-store.ts';

const ada: Principal = { tenant: 'acme', subject: 'ada', roles: [] };
const handle = 'result://1';
const lastLine = /\n\[bytes \d+ to \d+ of \d+; the rest is in result:\/\/1 from offset (\d+)\]$/;

function keep(text: string): ReturnType<typeof createResultStore> {
  const store = createResultStore({ now: () => 0, randomId: () => '1' });
  store.put(ada, text);
  return store;
}

test('a piece says where the next one begins, and all of them together are the whole', () => {
  const character = fc.constantFrom('a', 'é', '漢', '😀', '\n');
  fc.assert(
    fc.property(fc.string({ unit: character, minLength: 1, maxLength: 40 }), (part) => {
      const text = part.repeat(3_000);
      const store = keep(text);
      let whole = '';
      let offset: number | undefined = 0;
      for (let piece = 0; offset !== undefined; piece += 1) {
        assert.ok(piece < 10);
        const read: ToolAnswer | undefined = readPiece(store, ada, { handle, offset });
        const { content, isTruncated, isError } = read ?? assert.fail('it is there');
        const [line = '', next]: readonly (string | undefined)[] = lastLine.exec(content) ?? [];
        assert.deepEqual([isTruncated, isError], [next !== undefined, false]);
        const own = content.slice(0, content.length - line.length);
        assert.ok(Buffer.byteLength(own) <= 65_536);
        whole += own;
        offset = next === undefined ? undefined : Number(next);
      }
      assert.equal(whole, text);
    }),
    { numRuns: 30 },
  );
});

test('behind the end there is nothing, and what is not theirs is not there', () => {
  const store = keep('all of it');
  assert.equal(
    readPiece(store, ada, { handle, offset: 9 })?.content,
    '[the result ends at 9 bytes]',
  );
  assert.equal(readPiece(store, ada, { handle, offset: 2 ** 53 })?.isTruncated, false);
  for (const [principal, named] of [
    [{ ...ada, subject: 'bob' }, handle],
    [{ ...ada, tenant: 'evil' }, handle],
    [ada, 'result://2'],
    [ada, ''],
  ] as const) {
    assert.equal(readPiece(store, principal, { handle: named, offset: 0 }), undefined);
  }
});

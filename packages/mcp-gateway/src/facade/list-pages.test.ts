import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '@modelhost/kernel';
import { createListPages } from './list-pages.ts';
import type { ListPages } from './list-pages.ts';

const meta = { who: 'us' };

function pagesOf(entries: readonly JsonObject[], itemsMax: number): ListPages {
  return createListPages(entries, { key: 'tools', itemsMax, ttlMs: 5, meta });
}

/** Follows the cursors; each page twice, from the object and from the text. */
function readAll(pages: ListPages): readonly (readonly unknown[])[] {
  const read: (readonly unknown[])[] = [];
  let cursor: string | undefined;
  do {
    const page = pages.page(cursor);
    assert.ok(page !== undefined);
    const { tools, nextCursor } = page.result;
    assert.ok(Array.isArray(tools));
    assert.deepEqual(JSON.parse(page.text), {
      resultType: 'complete',
      tools,
      ...(nextCursor === undefined ? {} : { nextCursor }),
      ttlMs: 5,
      cacheScope: 'private',
      _meta: meta,
    });
    read.push(tools);
    cursor = typeof nextCursor === 'string' ? nextCursor : undefined;
  } while (cursor !== undefined);
  return read;
}

test('the pages together are the list, in its order, and none is longer than the bound', () => {
  const entry = fc.record(
    { name: fc.string(), description: fc.string() },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 40 }),
      fc.integer({ min: 1, max: 12 }),
      (entries, max) => {
        const read = readAll(pagesOf(entries, max));
        assert.deepEqual(read.flat(), entries);
        assert.ok(read.every((page) => page.length <= max));
      },
    ),
  );
});

test('a cursor is good for the same list elsewhere, and for no other list', () => {
  const entries = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
  const cursor = pagesOf(entries, 1).page(undefined)?.result['nextCursor'];
  assert.ok(typeof cursor === 'string');
  assert.deepEqual(pagesOf(entries, 1).page(cursor)?.result['tools'], [{ name: 'b' }]);
  assert.equal(pagesOf([...entries, { name: 'd' }], 1).page(cursor), undefined);
  for (const made of ['', 'x', Buffer.from('.1').toString('base64url'), '__proto__']) {
    assert.equal(pagesOf(entries, 1).page(made), undefined);
  }
});

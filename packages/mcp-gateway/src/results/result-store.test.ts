import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Principal } from '@modelhost/kernel';
import { createResultStore } from './result-store.ts';
import type { ResultStore, ResultStoreOptions } from './result-store.ts';

const ada: Principal = { tenant: 'acme', subject: 'ada', roles: [] };
const bob: Principal = { tenant: 'acme', subject: 'bob', roles: [] };
const eve: Principal = { tenant: 'evil', subject: 'ada', roles: ['admin'] };
const absent = { code: 'not_found', message: 'no such result, or it is no longer kept' };

interface StartedStore {
  readonly store: ResultStore;
  readonly clock: { nowMs: number };
}

function startStore(options: Partial<ResultStoreOptions> = {}): StartedStore {
  const clock = { nowMs: 0 };
  let ids = 0;
  const store = createResultStore({
    now: () => clock.nowMs,
    randomId: () => {
      ids += 1;
      return `id-${ids}`;
    },
    ...options,
  });
  return { store, clock };
}

function put(store: ResultStore, principal: Principal, content: string): string {
  return store.put(principal, content) ?? assert.fail('it does not fit');
}

test('abuse A10: a handle is of use to nobody else, and says nothing of what is there', () => {
  const { store } = startStore();
  const uri = put(store, ada, 'secret');
  assert.equal(store.read(ada, uri).text, 'secret');
  for (const [principal, handle] of [
    [bob, uri],
    [eve, uri],
    [ada, 'result://none'],
    [ada, `${uri} `],
    [ada, '__proto__'],
    [ada, ''],
  ] as const) {
    assert.throws(() => store.read(principal, handle), absent);
  }
});

test('pieces of any length make up the whole, each begins and ends between characters', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.integer({ min: 4, max: 20 }),
      (text, length) => {
        const { store } = startStore();
        const uri = put(store, ada, text);
        const pieces: string[] = [];
        let offset: number | undefined = 0;
        while (offset !== undefined) {
          const piece = store.read(ada, uri, { offset, length });
          assert.ok(Buffer.byteLength(piece.text) <= length);
          assert.equal(piece.bytesTotal, Buffer.byteLength(text.toWellFormed()));
          pieces.push(piece.text);
          offset = piece.nextOffset;
        }
        assert.equal(pieces.join(''), text.toWellFormed());
      },
    ),
  );
});

test('an offset or a length from anywhere is answered with what is there', () => {
  const { store } = startStore();
  const uri = put(store, ada, 'aéb');
  assert.deepEqual(store.read(ada, uri, { offset: 2 }), {
    text: 'éb',
    offset: 1,
    nextOffset: undefined,
    bytesTotal: 4,
  });
  assert.equal(store.read(ada, uri, { offset: -5, length: 1 }).text, 'a');
  assert.equal(store.read(ada, uri, { offset: 99 }).text, '');
  assert.equal(store.read(ada, uri, { offset: 1, length: -1 }).text, '');
});

test('a result is kept for its time and no longer, however often it is read', () => {
  const { store, clock } = startStore({ ttlMs: 100 });
  const uri = put(store, ada, 'x');
  clock.nowMs = 99;
  assert.equal(store.read(ada, uri).text, 'x');
  clock.nowMs = 100;
  assert.throws(() => store.read(ada, uri), absent);
});

test('a tenant has its share, in which what was used least lately goes first', () => {
  // Each takes 4,096 bytes beside its text.
  const { store } = startStore({ bytesMaxPerTenant: 15_000 });
  const other = put(store, eve, 'other');
  const [one, two, three] = ['1', '2', '3'].map((text) => put(store, ada, text));
  assert.equal(store.read(ada, one ?? '').text, '1');
  const four = put(store, bob, '4');
  assert.throws(() => store.read(ada, two ?? ''), absent);
  for (const uri of [one, three]) assert.equal(store.read(ada, uri ?? '').bytesTotal, 1);
  assert.equal(store.read(bob, four).text, '4');
  assert.equal(store.read(eve, other).text, 'other');
  assert.equal(store.put(ada, 'x'.repeat(15_000)), undefined);
  assert.equal(store.read(ada, one ?? '').text, '1');
});

test('all tenants together have a bound, whatever is put in', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(ada, bob, eve), fc.nat({ max: 9_000 })), { maxLength: 30 }),
      (puts) => {
        const { store } = startStore({ bytesMaxPerTenant: 20_000, bytesMax: 30_000 });
        const uris = puts.map(([principal, length]) => ({
          principal,
          uri: store.put(principal, 'x'.repeat(length)),
        }));
        let kept = 0;
        for (const { principal, uri } of uris) {
          try {
            kept += store.read(principal, uri ?? '').bytesTotal + 4_096;
          } catch {
            // It had to go.
          }
        }
        assert.ok(kept <= 30_000);
        const { principal, uri } = uris.at(-1) ?? {};
        if (principal !== undefined) assert.ok(store.read(principal, uri ?? ''));
      },
    ),
  );
});

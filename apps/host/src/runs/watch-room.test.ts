import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryRunStore } from '@modelhost/engine-embedded';
import type { RunStore } from '@modelhost/engine-embedded';
import { HostError } from '@modelhost/kernel';
import { watchRoom } from './watch-room.ts';

const full = { code: 'storage_unavailable', facts: { reason: 'disk_full' } };

/** A store with room for so many bytes at a time. */
function createSmallStore(room: { bytes: number }): RunStore {
  const store = createMemoryRunStore();
  return {
    ...store,
    create: async (run, input) => {
      await take(room, input.byteLength);
      return store.create(run, input);
    },
  };
}

async function take(room: { readonly bytes: number }, bytes: number): Promise<void> {
  if (bytes <= room.bytes) return;
  throw new HostError('storage_unavailable', 'full', { facts: { reason: 'disk_full' } });
}

async function create(store: RunStore, runId: string, bytes: number): Promise<unknown> {
  const run = {
    runId,
    tenant: 'acme',
    state: 'running',
    createdAtMs: 0,
    finishedAtMs: undefined,
    inputDigest: '',
    programVersion: '1',
    status: new Uint8Array(),
  } as const;
  return store.create(run, new Uint8Array(bytes));
}

test('a store that had no room for something is not well until there is room for as much', async () => {
  const room = { bytes: 100 };
  const tried: number[] = [];
  const watched = watchRoom({
    store: createSmallStore(room),
    check: async () => take(room, 1),
    tryRoom: async (bytes) => {
      tried.push(bytes);
      await take(room, bytes);
    },
  });
  await create(watched.store, 'run_1', 50);
  await watched.check();
  await assert.rejects(create(watched.store, 'run_2', 200), full);
  await assert.rejects(create(watched.store, 'run_3', 150), full);
  await assert.rejects(watched.check(), full);
  room.bytes = 199;
  await assert.rejects(watched.check(), { ...full, message: /no room for 200 bytes/ });
  room.bytes = 200;
  await watched.check();
  await watched.check();
  assert.deepEqual(tried, [200, 200, 200]);
  room.bytes = 0;
  await assert.rejects(watched.check(), { message: 'full' });
});

test('what is refused for another reason says nothing of room', async () => {
  const watched = watchRoom({
    store: createMemoryRunStore(),
    check: async () => {},
    tryRoom: async () => assert.fail('nobody asks for room'),
  });
  const write = { runId: 'none', entries: [], events: undefined, run: undefined };
  await assert.rejects(watched.store.write(write), { code: 'internal' });
  await watched.check();
});

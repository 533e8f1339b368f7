import assert from 'node:assert/strict';
import type { RunStore } from '@modelhost/engine-embedded';
import { createRuns, events, eventsOf, textOf } from './store-bench.ts';
import type { StoreRules } from './store-bench.ts';

/** What is kept of events. */
export const eventStoreRules: StoreRules = {
  'events after a sequence come with the write that holds the next one': async (store) => {
    await createRuns(store, 'a', 'b');
    await writeAll(store);
    const after = async (afterSequence: number): Promise<readonly string[]> => {
      const read = await store.readEvents('a', { afterSequence, bytesMax: 1_000 });
      assert.equal(read.firstSequence, 1);
      return read.events.map(({ payload }) => textOf(payload));
    };
    assert.deepEqual(await after(0), ['1-3', '4-4', '5-9']);
    assert.deepEqual(await after(2), ['1-3', '4-4', '5-9']);
    assert.deepEqual(await after(3), ['4-4', '5-9']);
    assert.deepEqual(await after(8), ['5-9']);
    assert.deepEqual(await after(9), []);
    assert.deepEqual(await store.readEvents('b', { afterSequence: 0, bytesMax: 1_000 }), {
      events: [],
      firstSequence: undefined,
    });
  },

  'a read stops once it has the bytes asked for, and gives at least one write': async (store) => {
    await createRuns(store, 'a');
    await writeAll(store);
    const lengths = await Promise.all(
      [1, 3, 4, 7].map(async (bytesMax) => {
        const read = await store.readEvents('a', { afterSequence: 0, bytesMax });
        return read.events.length;
      }),
    );
    assert.deepEqual(lengths, [1, 1, 2, 3]);
  },

  'events are dropped in whole writes, and later ones follow on': async (store) => {
    await createRuns(store, 'a', 'b');
    await writeAll(store);
    await store.write(events('b', 1, 1));
    await store.dropEvents('a', 5);
    assert.deepEqual(await eventsOf(store, 'a'), ['5-9']);
    const read = await store.readEvents('a', { afterSequence: 0, bytesMax: 1_000 });
    assert.equal(read.firstSequence, 5);
    await store.dropEvents('a', 100);
    assert.deepEqual(await eventsOf(store, 'a'), []);
    assert.equal((await store.find('a'))?.lastSequence, 9);
    await store.write(events('a', 10, 11));
    assert.deepEqual(await eventsOf(store, 'a'), ['10-11']);
    assert.deepEqual(await eventsOf(store, 'b'), ['1-1']);
  },
};

async function writeAll(store: RunStore): Promise<void> {
  await Promise.all([
    store.write(events('a', 1, 3)),
    store.write(events('a', 4, 4)),
    store.write(events('a', 5, 9)),
  ]);
}

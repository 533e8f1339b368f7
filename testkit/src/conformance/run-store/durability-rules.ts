import assert from 'node:assert/strict';
import type { RunStore } from '@modelhost/engine-embedded';
import fc from 'fast-check';
import { storeScripts } from './model-rules.ts';
import { createRunStoreModel } from './run-store-model.ts';
import {
  allUnfinished,
  assertRejects,
  bytesOf,
  change,
  createRuns,
  emptyStore,
  entriesOf,
  events,
  eventsOf,
  newRun,
} from './store-bench.ts';

/** Rules by what they say. Each gets an empty store, and gives back the one that is open in the end. */
type DurabilityRules = Readonly<
  Record<string, (store: RunStore, open: () => Promise<RunStore>) => Promise<RunStore>>
>;

/** What holds for a store that outlasts its process. */
export const durabilityRules: DurabilityRules = {
  'what was sent before a failure of the same run was known is refused too': async (store) => {
    await createRuns(store, 'a', 'b');
    const outcomes = await Promise.allSettled([
      store.write(change('a', { entries: [bytesOf('1')] })),
      store.write(events('a', 7, 7)),
      store.write(change('a', { entries: [bytesOf('2')] })),
      store.write(change('b', { entries: [bytesOf('1')] })),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
    );
    await store.write(change('a', { entries: [bytesOf('3')] }));
    assert.deepEqual(await entriesOf(store, 'a'), ['1', '3']);
    return store;
  },

  'a payload over 8 MiB is refused': async (store) => {
    await createRuns(store, 'a');
    const entries = [new Uint8Array(8_388_609)];
    await assertRejects(store.write(change('a', { entries })), 'storage_unavailable', 'too_large');
    assert.deepEqual(await entriesOf(store, 'a'), []);
    const created = store.create({ ...newRun('b'), entries }, bytesOf(''));
    await assertRejects(created, 'storage_unavailable', 'too_large');
    assert.equal(await store.find('b'), undefined);
    return store;
  },

  'a closed store refuses everything, and closing it again does nothing': async (store, open) => {
    await createRuns(store, 'a');
    await store.close();
    await store.close();
    const calls = [
      store.create(newRun('b'), bytesOf('')),
      store.write(change('a')),
      store.addSignal('a', { name: 's', payload: bytesOf('') }, { signalsMax: 1 }),
      store.find('a'),
      store.read('a'),
      store.list('acme', { limit: 1 }),
      store.unfinished({ afterOrdinal: 0, limit: 1 }),
      store.readEvents('a', { afterSequence: 0, bytesMax: 1 }),
      store.dropEvents('a', 1),
      store.retain({ runsFinishedBeforeMs: 0, eventsFinishedBeforeMs: 0, runsMax: 1 }),
      store.check(),
    ];
    await Promise.all(calls.map((call) => assertRejects(call, 'storage_unavailable', 'closed')));
    return open();
  },

  'what was asked before the closing is done': async (store, open) => {
    await createRuns(store, 'a');
    const numbers = Array.from({ length: 40 }, (_, index) => index + 1);
    const writes = numbers.map((number) =>
      store.write({ ...events('a', number, number), entries: [bytesOf(`${number}`)] }),
    );
    await store.close();
    await Promise.all(writes);
    const again = await open();
    assert.equal((await entriesOf(again, 'a')).length, 40);
    assert.equal((await eventsOf(again, 'a')).length, 40);
    return again;
  },

  'what is opened again is like its model, and goes on': async (store, open) => {
    let current = store;
    await fc.assert(
      fc.asyncProperty(storeScripts, storeScripts, async (before, after) => {
        await emptyStore(current);
        const model = createRunStoreModel();
        for (const action of before) await model.perform(current, action);
        await current.close();
        current = await open();
        await model.compare(current);
        for (const action of after) await model.perform(current, action);
        await model.compare(current);
      }),
      { numRuns: 3 },
    );
    return current;
  },

  'an ordinal is not given twice, even after its run is gone': async (store, open) => {
    await createRuns(store, 'a');
    const [run] = await allUnfinished(store);
    await emptyStore(store);
    await store.close();
    const again = await open();
    await createRuns(again, 'b');
    const [next] = await allUnfinished(again);
    assert.ok(run && next && next.ordinal > run.ordinal);
    return again;
  },
};

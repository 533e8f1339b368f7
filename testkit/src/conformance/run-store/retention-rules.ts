import assert from 'node:assert/strict';
import type { RunStore } from '@modelhost/engine-embedded';
import {
  bytesOf,
  change,
  createRuns,
  entriesOf,
  events,
  eventsOf,
  finish,
  newRun,
} from './store-bench.ts';
import type { StoreRules } from './store-bench.ts';

/** What is removed. */
export const retentionRules: StoreRules = {
  'runs that finished before a time go with all that is theirs, oldest first': async (store) => {
    await createFinished(store, { b: 10, c: 20, a: 30, d: 40 });
    await createRuns(store, 'e');
    const retention = { runsFinishedBeforeMs: 40, eventsFinishedBeforeMs: 0, runsMax: 2 };
    assert.deepEqual(await store.retain(retention), { runs: 2, events: 0 });
    assert.deepEqual(await idsOf(store), ['e', 'd', 'a']);
    assert.equal(await store.read('b'), undefined);
    assert.deepEqual(await eventsOf(store, 'b'), []);
    assert.deepEqual(await store.retain(retention), { runs: 1, events: 0 });
    assert.deepEqual(await store.retain(retention), { runs: 0, events: 0 });
    assert.deepEqual(await idsOf(store), ['e', 'd']);
    assert.deepEqual(await entriesOf(store, 'd'), ['entry of d']);
  },

  'events alone go of runs that finished before a time, oldest first': async (store) => {
    await createFinished(store, { b: 10, c: 20, a: 30 });
    const retention = { runsFinishedBeforeMs: 0, eventsFinishedBeforeMs: 25, runsMax: 1 };
    assert.deepEqual(await store.retain(retention), { runs: 0, events: 1 });
    assert.deepEqual(await eventsOf(store, 'b'), []);
    assert.deepEqual(await eventsOf(store, 'c'), ['1-2', '3-3']);
    assert.deepEqual(await store.retain({ ...retention, runsMax: 10 }), { runs: 0, events: 1 });
    assert.deepEqual(await store.retain({ ...retention, runsMax: 10 }), { runs: 0, events: 0 });
    assert.deepEqual(await eventsOf(store, 'a'), ['1-2', '3-3']);
    const kept = await store.read('b');
    assert.equal(kept?.run.lastSequence, 3);
    assert.equal(kept.entries.length, 1);
  },

  'a run that is not finished stays, however old it is': async (store) => {
    await createRuns(store, newRun('a', { createdAtMs: 1 }));
    await store.write(events('a', 1, 1));
    const all = Number.MAX_SAFE_INTEGER;
    const retention = { runsFinishedBeforeMs: all, eventsFinishedBeforeMs: all, runsMax: 10 };
    assert.deepEqual(await store.retain(retention), { runs: 0, events: 0 });
    assert.deepEqual(await eventsOf(store, 'a'), ['1-1']);
  },

  'the id of a removed run is free again, and nothing of the old one shows': async (store) => {
    await createFinished(store, { a: 10 });
    const old = await store.find('a');
    await store.addSignal('a', { name: 's', payload: bytesOf('') }, { signalsMax: 1 });
    await store.retain({ runsFinishedBeforeMs: 11, eventsFinishedBeforeMs: 0, runsMax: 1 });
    await createRuns(store, 'a');
    const record = await store.read('a');
    assert.ok(old && record && record.run.ordinal > old.ordinal);
    assert.deepEqual([record.entries, record.signals, record.run.lastSequence], [[], [], 0]);
    assert.deepEqual(await eventsOf(store, 'a'), []);
  },

  'large payloads that runs share stay until the last of them goes': async (store) => {
    const large = new Uint8Array(70_000).fill(9);
    await createFinished(store, { a: 10, b: 20, c: 30 }, large);
    const remove = (before: number): Promise<unknown> =>
      store.retain({ runsFinishedBeforeMs: before, eventsFinishedBeforeMs: before, runsMax: 10 });
    await remove(11);
    await remove(21);
    const entry = (await store.read('c'))?.entries[0];
    assert.ok(entry && Buffer.compare(entry, large) === 0);
    await remove(31);
    await createFinished(store, { d: 10 }, large);
    assert.equal((await store.read('d'))?.entries[0]?.byteLength, large.byteLength);
  },

  'many rows of a run go too': async (store) => {
    await createRuns(store, 'a', 'b');
    const numbers = Array.from({ length: 1_300 }, (_, index) => index + 1);
    await Promise.all(
      numbers.map((number) =>
        store.write({ ...events('a', number, number), entries: [bytesOf(`${number}`)] }),
      ),
    );
    await store.write(finish('a', 10));
    const retention = { runsFinishedBeforeMs: 0, eventsFinishedBeforeMs: 11, runsMax: 10 };
    assert.deepEqual(await store.retain(retention), { runs: 0, events: 1 });
    assert.deepEqual(await eventsOf(store, 'a'), []);
    assert.equal((await entriesOf(store, 'a')).length, 1_300);
    assert.deepEqual(await store.retain({ ...retention, runsFinishedBeforeMs: 11 }), {
      runs: 1,
      events: 0,
    });
    assert.deepEqual(await idsOf(store), ['b']);
  },
};

/** Runs with an entry and two writes of events, and when each finished, from the first. */
async function createFinished(
  store: RunStore,
  times: Readonly<Record<string, number>>,
  entry?: Uint8Array,
): Promise<void> {
  await createRuns(store, ...Object.keys(times));
  const writes = Object.entries(times).flatMap(([runId, finishedAtMs]) => [
    store.write({ ...events(runId, 1, 2), entries: [entry ?? bytesOf(`entry of ${runId}`)] }),
    store.write(events(runId, 3, 3)),
    store.write(change(runId, finish(runId, finishedAtMs))),
  ]);
  await Promise.all(writes);
}

async function idsOf(store: RunStore): Promise<readonly string[]> {
  return (await store.list('acme', { limit: 100 })).map(({ runId }) => runId);
}

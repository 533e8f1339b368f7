import assert from 'node:assert/strict';
import {
  assertRejects,
  bytesOf,
  change,
  createRuns,
  entriesOf,
  events,
  eventsOf,
  newRun,
  textOf,
} from './store-bench.ts';
import type { StoreRules } from './store-bench.ts';

/** What creating, writing and reading a run means. */
export const writeRules: StoreRules = {
  'a run is kept as it was created, with an ordinal and no events': async (store) => {
    const run = newRun('a', { programVersion: '7', createdAtMs: 1_234 });
    assert.deepEqual(await store.create(run, bytesOf('the input')), { created: true });
    const record = await store.read('a');
    assert.ok(record);
    const { ordinal, lastSequence, status, ...rest } = record.run;
    assert.ok(ordinal >= 1);
    assert.equal(lastSequence, 0);
    assert.equal(textOf(status), 'status of a');
    const { status: given, ...expected } = run;
    assert.equal(textOf(given), 'status of a');
    assert.deepEqual(rest, expected);
    assert.equal(textOf(record.input), 'the input');
    assert.deepEqual([record.entries, record.signals], [[], []]);
    assert.deepEqual(await store.find('a'), record.run);
  },

  'a run may begin with a journal, larger than any payload, which goes on and is created once':
    async (store) => {
      const large = Array.from({ length: 3 }, (_, index) => new Uint8Array(4_000_000).fill(index));
      const entries = [bytesOf('first'), ...large];
      await store.create({ ...newRun('a'), entries }, bytesOf('input'));
      await store.create({ ...newRun('a'), entries }, bytesOf('input'));
      await store.write(change('a', { entries: [bytesOf('later')] }));
      const kept = (await store.read('a'))?.entries ?? [];
      assert.deepEqual(
        kept.map((entry, index) => Buffer.compare(entry, entries[index] ?? bytesOf('later'))),
        [0, 0, 0, 0, 0],
      );
      assert.deepEqual(Object.keys((await store.find('a')) ?? {}).includes('entries'), false);
    },

  'the same id is not created twice: what is kept under it is given back': async (store) => {
    await createRuns(store, 'a');
    await store.write(events('a', 1, 4));
    const again = await store.create(newRun('a', { tenant: 'other' }), bytesOf('another input'));
    assert.deepEqual(again, { created: false, run: await store.find('a') });
    assert.equal(!again.created && again.run.tenant, 'acme');
    assert.equal(!again.created && again.run.lastSequence, 4);
    const input = (await store.read('a'))?.input;
    assert.equal(input && textOf(input), 'input of a');
  },

  'of two that create the same id at once, one does': async (store) => {
    const both = await Promise.all([
      store.create(newRun('a'), bytesOf('1')),
      store.create(newRun('a'), bytesOf('2')),
    ]);
    assert.equal(both.filter(({ created }) => created).length, 1);
  },

  'ordinals grow in the order of creation': async (store) => {
    await createRuns(store, 'b', 'a', 'c');
    const found = await Promise.all(['b', 'a', 'c'].map((runId) => store.find(runId)));
    const ordinals = found.map((run) => run?.ordinal ?? 0);
    assert.deepEqual(
      ordinals,
      ordinals.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(ordinals).size, 3);
  },

  'a write adds entries and events, and changes the run': async (store) => {
    await createRuns(store, 'a');
    await store.write(change('a', { entries: [bytesOf('1'), bytesOf('2')] }));
    await store.write({
      ...events('a', 1, 3),
      entries: [bytesOf('3')],
      run: { state: 'waiting', finishedAtMs: undefined, status: bytesOf('waits') },
    });
    await store.write(events('a', 4, 4));
    assert.deepEqual(await entriesOf(store, 'a'), ['1', '2', '3']);
    assert.deepEqual(await eventsOf(store, 'a'), ['1-3', '4-4']);
    const run = await store.find('a');
    assert.ok(run);
    assert.deepEqual(
      [run.state, textOf(run.status), run.lastSequence, run.finishedAtMs],
      ['waiting', 'waits', 4, undefined],
    );
  },

  'writes of one run that do not wait for one another are kept in their order': async (store) => {
    await createRuns(store, 'a', 'b');
    const numbers = Array.from({ length: 60 }, (_, index) => index + 1);
    const resolved: number[] = [];
    await Promise.all(
      numbers.flatMap((number) => [
        store
          .write({ ...events('a', number, number), entries: [bytesOf(`a${number}`)] })
          .then(() => resolved.push(number)),
        store.write(change('b', { entries: [bytesOf(`b${number}`)] })),
      ]),
    );
    assert.deepEqual(resolved, numbers);
    assert.deepEqual(
      await entriesOf(store, 'a'),
      numbers.map((number) => `a${number}`),
    );
    assert.deepEqual(
      await entriesOf(store, 'b'),
      numbers.map((number) => `b${number}`),
    );
  },

  'a write that is refused leaves nothing, and takes no other run with it': async (store) => {
    await createRuns(store, 'a', 'b');
    await store.write(events('a', 1, 2));
    const [hole, unknown, ...others] = await Promise.allSettled([
      store.write({ ...events('a', 4, 5), entries: [bytesOf('lost')] }),
      store.write(change('nobody', { entries: [bytesOf('lost')] })),
      store.write(change('b', { entries: [bytesOf('kept')] })),
      store.create(newRun('c'), bytesOf('')),
    ]);
    assert.equal(hole.status, 'rejected');
    assert.equal(unknown.status, 'rejected');
    assert.deepEqual(
      others.map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
    assert.deepEqual(await entriesOf(store, 'a'), []);
    assert.deepEqual(await eventsOf(store, 'a'), ['1-2']);
    assert.deepEqual(await entriesOf(store, 'b'), ['kept']);
    await assertRejects(store.write(events('a', 2, 3)), 'internal');
    await store.write(events('a', 3, 3));
  },

  'payloads of any size up to 8 MiB come back as they were': async (store) => {
    const sizes = [0, 1, 65_535, 65_536, 65_537, 200_000, 8_388_608];
    const entries = sizes.map((size) => new Uint8Array(size).fill(size % 251));
    const large = new Uint8Array(100_000).fill(7);
    await store.create(newRun('a', { status: large }), large);
    await store.write({ ...change('a'), entries });
    await store.write(
      change('a', { events: { firstSequence: 1, lastSequence: 1, payload: large } }),
    );
    const record = await store.read('a');
    assert.deepEqual(
      record?.entries.map((entry, index) => Buffer.compare(entry, entries[index] ?? large)),
      sizes.map(() => 0),
    );
    assert.equal(Buffer.compare(record.input, large), 0);
    assert.equal(Buffer.compare(record.run.status, large), 0);
    const kept = await store.readEvents('a', { afterSequence: 0, bytesMax: 1 });
    assert.equal(kept.events[0]?.payload.byteLength, large.byteLength);
  },

  'an unknown run is undefined': async (store) => {
    assert.equal(await store.find('nobody'), undefined);
    assert.equal(await store.read('nobody'), undefined);
  },

  'a check of a store that works resolves': async (store) => {
    await store.check();
  },
};

import assert from 'node:assert/strict';
import { bytesOf, createRuns, finish, textOf } from './store-bench.ts';
import type { StoreRules } from './store-bench.ts';

const roomy = { signalsMax: 10 };

/** What becomes of signals. */
export const signalStoreRules: StoreRules = {
  'signals are kept in the order in which they came': async (store) => {
    await createRuns(store, 'a', 'b');
    for (const name of ['z', 'a', 'm']) {
      // oxlint-disable-next-line no-await-in-loop -- in this order
      const outcome = await store.addSignal('a', { name, payload: bytesOf(`of ${name}`) }, roomy);
      assert.equal(outcome, 'added');
    }
    const signals = (await store.read('a'))?.signals;
    assert.deepEqual(
      signals?.map(({ name, payload }) => [name, textOf(payload)]),
      [
        ['z', 'of z'],
        ['a', 'of a'],
        ['m', 'of m'],
      ],
    );
    assert.deepEqual((await store.read('b'))?.signals, []);
  },

  'the first signal of a name counts, also when two come at once': async (store) => {
    await createRuns(store, 'a');
    const outcomes = await Promise.all(
      ['1', '2', '3'].map((text) =>
        store.addSignal('a', { name: 'vote', payload: bytesOf(text) }, roomy),
      ),
    );
    assert.deepEqual(outcomes, ['added', 'known', 'known']);
    const signals = (await store.read('a'))?.signals;
    assert.deepEqual(
      signals?.map(({ payload }) => textOf(payload)),
      ['1'],
    );
  },

  'a run takes so many signals and no more; one that it has is still known': async (store) => {
    await createRuns(store, 'a');
    const add = (name: string): Promise<string> =>
      store.addSignal('a', { name, payload: bytesOf('') }, { signalsMax: 2 });
    assert.deepEqual(
      [await add('1'), await add('2'), await add('3'), await add('1')],
      ['added', 'added', 'full', 'known'],
    );
  },

  'a finished or unknown run takes no signal': async (store) => {
    await createRuns(store, 'a');
    await store.write(finish('a', 2_000));
    const signal = { name: 'late', payload: bytesOf('') };
    assert.equal(await store.addSignal('a', signal, roomy), 'gone');
    assert.equal(await store.addSignal('nobody', signal, roomy), 'gone');
    assert.deepEqual((await store.read('a'))?.signals, []);
  },
};

import assert from 'node:assert/strict';
import type { KeptRun, RunStore } from '@modelhost/engine-embedded';
import type { RunState } from '@modelhost/kernel';
import { allUnfinished, change, bytesOf, createRuns, finish, newRun } from './store-bench.ts';
import type { StoreRules } from './store-bench.ts';

/** What pages show. */
export const listRules: StoreRules = {
  'a list shows the runs of one tenant, newest first': async (store) => {
    await createRuns(store, 'a', newRun('x', { tenant: 'other' }), 'b', 'c');
    assert.deepEqual(await idsOf(store, 'acme'), ['c', 'b', 'a']);
    assert.deepEqual(await idsOf(store, 'other'), ['x']);
    assert.deepEqual(await idsOf(store, 'nobody'), []);
  },

  'a list of a state shows the runs that are in it now': async (store) => {
    await createRuns(store, 'a', 'b', 'c', 'd');
    await store.write(finish('b', 2_000));
    const run = { state: 'waiting', finishedAtMs: undefined, status: bytesOf('') } as const;
    await store.write(change('c', { run }));
    assert.deepEqual(await idsOf(store, 'acme', 'running'), ['d', 'a']);
    assert.deepEqual(await idsOf(store, 'acme', 'waiting'), ['c']);
    assert.deepEqual(await idsOf(store, 'acme', 'finished'), ['b']);
  },

  'pages of a list miss no run and show none twice, while others are created': async (store) => {
    const ids = Array.from({ length: 23 }, (_, index) => `run-${index}`);
    await createRuns(store, ...ids);
    const seen: KeptRun[] = [];
    for (;;) {
      const beforeOrdinal = seen.at(-1)?.ordinal;
      // oxlint-disable-next-line no-await-in-loop -- a page begins where the last ended
      const page = await store.list('acme', {
        limit: 5,
        ...(beforeOrdinal !== undefined && { beforeOrdinal }),
      });
      if (page.length === 0) break;
      assert.ok(page.length <= 5);
      seen.push(...page);
      // oxlint-disable-next-line no-await-in-loop -- between two pages
      await createRuns(store, `later-${seen.length}`);
    }
    assert.deepEqual(
      seen.map(({ runId }) => runId),
      ids.toReversed(),
    );
  },

  'unfinished runs of all tenants come by ordinal, in pages': async (store) => {
    await createRuns(store, 'a', 'b', newRun('c', { tenant: 'other' }), 'd', 'e');
    await store.write(finish('b', 2_000));
    const ids = (await allUnfinished(store, 2)).map(({ runId }) => runId);
    assert.deepEqual(ids, ['a', 'c', 'd', 'e']);
  },
};

async function idsOf(
  store: RunStore,
  tenant: string,
  state?: RunState,
): Promise<readonly string[]> {
  const page = await store.list(tenant, { limit: 100, ...(state !== undefined && { state }) });
  return page.map(({ runId }) => runId);
}

import type { RunStore } from '@modelhost/engine-embedded';
import fc from 'fast-check';
import { createRunStoreModel } from './run-store-model.ts';
import type { StoreAction } from './run-store-model.ts';
import { emptyStore } from './store-bench.ts';
import type { StoreRules } from './store-bench.ts';

const runId = fc.constantFrom('a', 'b', 'c');

const text = fc.oneof(
  { weight: 8, arbitrary: fc.string({ maxLength: 20 }) },
  // The same few contents again and again, larger than a row.
  { weight: 1, arbitrary: fc.constantFrom('x', 'y').map((letter) => letter.repeat(66_000)) },
);

/** Scripts of an engine that also does what it should not. */
export const storeScripts: fc.Arbitrary<readonly StoreAction[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant('create' as const),
        runId,
        tenant: fc.constantFrom('acme', 'other'),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        type: fc.constant('write' as const),
        runId,
        entries: fc.array(text, { maxLength: 3 }),
        events: fc.integer({ min: -1, max: 4 }),
        state: fc.constantFrom(undefined, undefined, 'running', 'waiting', 'finished'),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant('signal' as const),
        runId,
        name: fc.constantFrom('x', 'y', 'z'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('drop' as const),
        runId,
        upTo: fc.nat({ max: 12 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('retain' as const),
        runsMax: fc.integer({ min: 1, max: 3 }),
        isEventsOnly: fc.boolean(),
      }),
    },
  ),
  { maxLength: 40, size: 'max' },
);

/** Whoever ended last is kept. */
const endedTwice: readonly StoreAction[] = [
  { type: 'create', runId: 'a', tenant: 'acme' },
  { type: 'write', runId: 'a', entries: [], events: 0, state: 'finished' },
  { type: 'create', runId: 'b', tenant: 'acme' },
  { type: 'write', runId: 'b', entries: [], events: 0, state: 'finished' },
  { type: 'write', runId: 'a', entries: [], events: 0, state: 'finished' },
  { type: 'retain', runsMax: 1, isEventsOnly: false },
];

/** Laws over scripts. */
export const modelRules: StoreRules = {
  'whatever an engine does, a store is like its model': async (store) => {
    await fc.assert(
      fc.asyncProperty(storeScripts, async (script) => {
        await emptyStore(store);
        await followScript(store, script);
      }),
      { numRuns: 30, examples: [[endedTwice]] },
    );
  },
};

async function followScript(store: RunStore, script: readonly StoreAction[]): Promise<void> {
  const model = createRunStoreModel();
  for (const action of script) {
    // oxlint-disable-next-line no-await-in-loop -- in this order
    await model.perform(store, action);
  }
  await model.compare(store);
}

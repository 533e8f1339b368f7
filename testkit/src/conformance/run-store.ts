import { after, before, suite, test } from 'node:test';
import type { RunStore } from '@modelhost/engine-embedded';
import { durabilityRules } from './run-store/durability-rules.ts';
import { eventStoreRules } from './run-store/event-rules.ts';
import { listRules } from './run-store/list-rules.ts';
import { modelRules } from './run-store/model-rules.ts';
import { retentionRules } from './run-store/retention-rules.ts';
import { signalStoreRules } from './run-store/signal-rules.ts';
import { emptyStore } from './run-store/store-bench.ts';
import type { StoreRules } from './run-store/store-bench.ts';
import { writeRules } from './run-store/write-rules.ts';

/** A store that is held to the rules of `RunStore`. */
export interface RunStoreMaker {
  /** Opens it: empty at first, and with `isDurable` again what the one that was closed before had. */
  readonly open: () => Promise<RunStore>;
  readonly isDurable: boolean;
  /** Removes what is left, when everything is closed. */
  readonly dispose: () => Promise<void>;
}

/** Registers, with node:test, every rule of the seam `RunStore` as one test. */
export function runStoreConformance(name: string, maker: RunStoreMaker): void {
  suite(`${name} keeps the rules of a run store`, () => {
    let store: RunStore;
    before(async () => {
      store = await maker.open();
    });
    after(async () => {
      await store.close();
      await maker.dispose();
    });

    function register(rules: StoreRules): void {
      for (const [title, rule] of Object.entries(rules)) {
        test(title, async () => {
          await emptyStore(store);
          await rule(store);
        });
      }
    }

    register(writeRules);
    register(signalStoreRules);
    register(listRules);
    register(eventStoreRules);
    register(retentionRules);
    register(modelRules);
    if (!maker.isDurable) return;
    for (const [title, rule] of Object.entries(durabilityRules)) {
      test(title, async () => {
        await emptyStore(store);
        store = await rule(store, maker.open);
      });
    }
  });
}

/**
 * Imported into a host before anything else, it puts `killing-store.ts` in the place of the store, which kills the process at the
 * write that the query of this module names: `?write=3&when=after`.
 */
import { registerHooks } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const store = new URL(`killing-store.ts${new URL(import.meta.url).search}`, import.meta.url).href;

// The store's own threads get this module too.
if (isMainThread) {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === '@modelhost/store-sqlite' && context.parentURL !== store
        ? { url: store, shortCircuit: true }
        : next(specifier, context),
  });
}

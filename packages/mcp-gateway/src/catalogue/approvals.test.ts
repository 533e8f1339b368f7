import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '@modelhost/kernel';
import { createPinMemory } from '../fixtures/pin-memory.ts';
import { spec, startCatalogues, tool } from './fixtures/start-catalogues.ts';
import { digestOf } from './listed-tools.ts';
import type { PinStore } from './pin-records.ts';

type Step =
  | { readonly do: 'list'; readonly tools: readonly JsonObject[] }
  | { readonly do: 'approve'; readonly tool: string }
  | { readonly do: 'approve-all' | 'restart' | 'break-disk' | 'mend-disk' };

const someTool = fc
  .tuple(fc.constantFrom('a', 'b', 'c', 'A'), fc.nat({ max: 2 }))
  .map(([name, version]) => tool(name, { description: `version ${version}` }));
const step = fc.oneof(
  { weight: 4, arbitrary: fc.array(someTool, { maxLength: 4 }).map(listing) },
  { weight: 2, arbitrary: fc.constantFrom('a', 'b', 'c', 'A').map(approval) },
  fc.constantFrom<Step>(
    { do: 'approve-all' },
    { do: 'restart' },
    { do: 'break-disk' },
    { do: 'mend-disk' },
  ),
);

function listing(tools: readonly JsonObject[]): Step {
  return { do: 'list', tools };
}

function approval(name: string): Step {
  return { do: 'approve', tool: name };
}

/** A store on a disk that can break. */
function createBreakableStore(): PinStore & { isBroken: boolean } {
  const memory = createPinMemory();
  const store = {
    isBroken: false,
    load: () => memory.load(),
    save: async (records: Parameters<PinStore['save']>[0]) => {
      if (store.isBroken) throw new Error('no space');
      await memory.save(records);
    },
  };
  return store;
}

test('whatever happens, only what was first or was approved by its digest is ever offered', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('first-use' as const, 'approve' as const),
      fc.array(step, { maxLength: 14 }),
      async (pinning, steps) => {
        const pinStore = createBreakableStore();
        const server = spec('s', { pinning });
        let started = startCatalogues([server], pinStore);
        const answeredFor = new Set<string>();
        let isFirst = pinning === 'first-use';

        async function approve(names: readonly string[] | 'all'): Promise<void> {
          const { pins } = started.catalogues;
          const chosen = pins.list().filter((pin) => names === 'all' || names.includes(pin.tool));
          const tools = chosen.map((pin) => ({ tool: pin.tool, digest: pin.digest }));
          try {
            const setDigest = pins.sets()[0]?.setDigest ?? '';
            const choice = names === 'all' ? { setDigest } : { tools };
            await pins.approve({ alias: 's', by: 'olga', ...choice });
            for (const { digest } of isFirst ? pins.list() : tools) answeredFor.add(digest);
            isFirst = false;
          } catch {
            // It is not there, or the disk is broken: nobody answers for it.
          }
        }

        async function take(next: Step): Promise<void> {
          switch (next.do) {
            case 'list':
              // The first list that can be written down is the one that is trusted.
              if (isFirst && !pinStore.isBroken) {
                for (const listed of next.tools) answeredFor.add(digestOf(listed));
                isFirst = false;
              }
              return await started.list('s', next.tools);
            case 'approve':
              return await approve([next.tool]);
            case 'approve-all':
              return await approve('all');
            case 'restart':
              started = startCatalogues([server], pinStore);
              return await started.catalogues.loaded();
            case 'break-disk':
              pinStore.isBroken = true;
              return;
            case 'mend-disk':
              pinStore.isBroken = false;
          }
        }

        for (const next of steps) {
          await take(next); // oxlint-disable-line no-await-in-loop
          const offered = started.catalogues.relayCatalogue('acme').tools;
          for (const { listed } of offered) assert.ok(answeredFor.has(digestOf(listed)));
          const names = offered.map(({ serverTool }) => serverTool.toLowerCase());
          assert.equal(new Set(names).size, names.length);
        }
      },
    ),
    { numRuns: 80 },
  );
});

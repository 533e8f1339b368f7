import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { sharedCedar } from '../cedar-runtime.ts';
import { partsOf } from '../policy-engine.ts';
import { worldOf } from './fixtures/law-world.ts';
import { laws } from './fixtures/laws.ts';
import type { Law } from './fixtures/laws.ts';
import { mutants } from './fixtures/mutants.ts';
import type { Mutant } from './fixtures/mutants.ts';

suite('laws of the decision point', () => {
  for (const law of laws) {
    test(law.title, () => law.check(worldOf(partsOf(sharedCedar)), { runs: 25 }));
  }
});

suite('each planted bug breaks a law', () => {
  for (const { bug, world } of mutants) {
    test(bug, async (context) => {
      const broken = await firstBroken(world);
      assert.ok(broken, `no law notices that ${bug}`);
      context.diagnostic(`found by: ${broken.title}`);
    });
  }
});

const rounds = 20;

/** A few tries of each law at a time. The same each time, so that a bug is either always found or never. */
async function firstBroken(world: Mutant['world']): Promise<Law | undefined> {
  for (let round = 0; round < rounds; round += 1) {
    for (const law of laws) {
      try {
        await law.check(world, { runs: 8, seed: round });
      } catch {
        return law;
      }
    }
  }
  return undefined;
}

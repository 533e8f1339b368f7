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

suite('each planted bug breaks its law', () => {
  for (const { bug, foundBy, world } of mutants) {
    test(`${bug}: ${foundBy}`, async () => {
      const law = laws.find(({ title }) => title === foundBy) ?? assert.fail('no such law');
      await assert.rejects(holdOften(law, world), /Property failed/);
    });
  }
});

const rounds = 20;

/** A few tries at a time. The same each time, so that a bug is either always found or never. */
async function holdOften(law: Law, world: Mutant['world']): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await law.check(world, { runs: 8, seed: round });
  }
}

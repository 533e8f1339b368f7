import { suite, test } from 'node:test';
import { crashRules } from './crash-rules.ts';
import { forkRules } from './fork-rules.ts';
import { lateRules } from './late-rules.ts';
import { restartRules } from './restart-rules.ts';
import type { MakeDurableWorld } from './world.ts';

/** Registers, with node:test, every rule of an engine whose host may be killed at any time. */
export function durabilityConformance(name: string, makeWorld: MakeDurableWorld): void {
  suite(`${name} survives its host`, () => {
    for (const [sentence, rule] of Object.entries({
      ...crashRules,
      ...restartRules,
      ...lateRules,
      ...forkRules,
    })) {
      test(sentence, async () => rule(makeWorld));
    }
  });
}

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pipelineSteps } from './activate-bundle.ts';
import { openControlIn } from './fixtures/open-control.ts';
import { bundleOf, createPolicyWorld, inputOf } from './fixtures/policy-world.ts';
import { storeSteps } from './policy-store.ts';

const activating = fileURLToPath(new URL('./fixtures/activating-process.ts', import.meta.url));
const run = promisify(execFile);

/** In the order in which an activation goes through them. */
const steps = [
  ...pipelineSteps.slice(0, pipelineSteps.indexOf('swapped')),
  ...storeSteps,
  ...pipelineSteps.slice(pipelineSteps.indexOf('swapped')),
];

test('an activation that is killed between any two steps leaves the old bundle or the new one, whole', async (t) => {
  const world = createPolicyWorld(t);
  world.write('base.mhpb.json', bundleOf({ bytesMax: 10 }));
  await (await world.open()).close();
  world.write('next.mhpb.json', bundleOf({ revision: 2, bytesMax: 100 }));

  /** What decides at the next start, and what is on record by then. */
  async function outcomeOf(step: string): Promise<readonly unknown[]> {
    const directory = `${world.directory}-${step}`;
    cpSync(world.directory, directory, { recursive: true });
    t.after(() => rmSync(directory, { recursive: true }));
    await assert.rejects(run(process.execPath, [activating, directory, step]), {
      signal: 'SIGKILL',
    });
    const { control, audit } = await openControlIn(directory, world.clock);
    const { effect, bundles } = await control.engine.decide(inputOf(50));
    const { state } = control.status();
    await control.close();
    await audit.close();
    return [state, effect, ...bundles];
  }

  for (let at = 0; at < steps.length; at += 2) {
    const both = steps.slice(at, at + 2);
    const outcomes = await Promise.all(both.map(outcomeOf));
    for (const [index, step] of both.entries()) {
      const isNew = at + index >= steps.indexOf('state-renamed');
      const expected = isNew ? ['up', 'allow', 'base@2'] : ['up', 'deny', 'base@1'];
      assert.deepEqual(outcomes[index], expected, step);
    }
  }
});

import assert from 'node:assert/strict';
import { createRandom } from '../../simulation/random.ts';
import { createVirtualClock } from '../../virtual-clock.ts';
import { assertDurable, assertReplays, driveRun } from './drive.ts';
import type { Driven } from './drive.ts';
import { drawPlan } from './draw-plan.ts';
import type { Action } from './plan.ts';
import type { MakeDurableWorld } from './world.ts';

/** Rules of an engine whose host is killed, by the sentence that each proves. */
export type DurabilityRules = Readonly<
  Record<string, (makeWorld: MakeDurableWorld) => Promise<void>>
>;

const step = { type: 'step', isOnce: false, texts: 2, pauseMs: 30, isFailing: false } as const;

/** A bit of everything. */
const plan: readonly Action[] = [
  { type: 'tell', text: 'begin' },
  { type: 'now', name: 'start' },
  { ...step, name: 'first' },
  {
    type: 'all',
    branches: [
      [
        { ...step, name: 'left' },
        { type: 'tell', text: 'left' },
        { ...step, name: 'left-2', texts: 0 },
      ],
      [
        { ...step, name: 'right', isOnce: true, pauseMs: 45 },
        { type: 'tell', text: 'right' },
      ],
      [{ ...step, name: 'wrong', isFailing: true, pauseMs: 20 }],
      [{ type: 'wait', name: 'in-time', timeoutMs: 400, answerAfterMs: 50 }],
    ],
  },
  { type: 'sleep', name: 'rest', forMs: 200 },
  { type: 'wait', name: 'in-vain', timeoutMs: 90, answerAfterMs: null },
  { ...step, name: 'pay', isOnce: true },
  { type: 'wait', name: 'at-last', timeoutMs: 5_000, answerAfterMs: 300 },
  { ...step, name: 'last', texts: 1 },
];

async function drive(
  makeWorld: MakeDurableWorld,
  options: Pick<Parameters<typeof driveRun>[0], 'crashesAt' | 'parkAfterMs' | 'cancelAfterMs'> & {
    readonly seed: string;
    readonly plan: readonly Action[];
  },
): Promise<Driven> {
  const clock = createVirtualClock();
  const world = makeWorld({ clock, random: createRandom(options.seed) });
  const driven = await driveRun({ world, clock, ...options });
  assertDurable(driven, options.plan);
  await assertReplays(driven);
  assert.equal(clock.pending(), 0, 'no timer is left');
  return driven;
}

/** Crashes, anywhere. */
export const crashRules: DurabilityRules = {
  'killed at any one change, a run goes on where it was and does nothing of it again': async (
    makeWorld,
  ) => {
    const whole = await drive(makeWorld, {
      plan,
      seed: 'whole',
      crashesAt: [],
      parkAfterMs: 60_000,
    });
    const { ending } = whole.status.result ?? {};
    assert.ok(ending?.reason === 'completed');
    let outcomes = 0;
    for (let index = 1; ; index += 1) {
      const options = { plan, seed: `crash-${index}`, crashesAt: [index], parkAfterMs: 60_000 };
      const { status, crashes } = await drive(makeWorld, options);
      if (crashes === 0) break;
      const end = status.result?.ending;
      assert.ok(end?.reason === 'completed');
      const sort = (answer: string): readonly string[] =>
        answer.replaceAll('unknown', 'done').split(' ').sort();
      assert.deepEqual(sort(end.answer), sort(ending.answer));
      if (end.answer.includes('unknown')) outcomes += 1;
    }
    assert.ok(outcomes > 0, 'what must not run twice was interrupted somewhere');
  },

  'killed again and again, at every change after the other, it ends all the same': async (
    makeWorld,
  ) => {
    for (const distance of [1, 2, 3, 5, 8]) {
      const crashesAt = Array.from({ length: 60 }, () => distance);
      await drive(makeWorld, { plan, seed: `again-${distance}`, crashesAt, parkAfterMs: 60_000 });
    }
  },

  'parked whenever it waits, it is the same run, killed or not': async (makeWorld) => {
    for (let index = 0; index < 12; index += 1) {
      const crashesAt = index === 0 ? [] : [index * 3, index * 2];
      await drive(makeWorld, { plan, seed: `parked-${index}`, crashesAt, parkAfterMs: 0 });
    }
  },

  'any program is the same however it is killed, parked and cancelled': async (makeWorld) => {
    for (let seed = 1; seed <= 150; seed += 1) {
      const random = createRandom(`plan-${seed}`);
      const drawn = drawPlan(random);
      const crashesAt = Array.from({ length: random.int(0, 4) }, () => random.int(1, 30));
      const parkAfterMs = random.pick([0, 40, 60_000]);
      const cancelAfterMs = random.chance(0.3) ? { cancelAfterMs: random.int(0, 600) } : {};
      const options = {
        plan: drawn,
        seed: `any-${seed}`,
        crashesAt,
        parkAfterMs,
        ...cancelAfterMs,
      };
      try {
        await drive(makeWorld, options);
      } catch (cause) {
        throw new Error(`seed ${seed}: ${JSON.stringify(options)}`, { cause });
      }
    }
  },
};

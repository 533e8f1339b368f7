import assert from 'node:assert/strict';
import type { RunContext, RunEvent, RunEventBody } from '@modelhost/kernel';
import { createRunInput } from '../../run-input.ts';
import { aborted } from '../workbench.ts';
import type { EngineUnderTest } from '../workbench.ts';
import type { DurabilityRules } from './crash-rules.ts';
import { createBench, eventsOf } from './restart-bench.ts';

const limits = { durationMsMax: 700 };

const started: RunEventBody = { type: 'step-started', kind: 'tool' };
const finished: RunEventBody = {
  type: 'step-finished',
  kind: 'tool',
  finishReason: 'ok',
  durationMs: 0,
};

const asked: RunEventBody = {
  type: 'approval-requested',
  approvalId: 'apr_1',
  callId: 'call_1',
  tool: 'desk__pay',
  arguments: '{}',
  callDigest: '',
  gates: [],
  origins: [],
  expiresAtMs: 0,
};

/** Begins a second step as soon as it has the result of the first, and says so before and after. */
async function goOn(run: RunContext): Promise<unknown> {
  run.emit('first', started);
  await run.step('first', async () => 1);
  run.emit('first', finished);
  run.emit('second', started);
  const second = await run.step('second', async () => new Promise<never>(() => {})).catch(() => 2);
  run.emit('second', finished);
  return second;
}

/** Steps of which something is told as begun from a time on, and those that are told as ended without a beginning. */
function wrongOf(events: readonly RunEvent[], fromMs: number): readonly string[] {
  const begun = new Set<string>();
  return events.flatMap(({ body, step, timeMs }) => {
    if (body.type === 'step-started') begun.add(step);
    const isBeginning = body.type === 'step-started' || body.type === 'approval-requested';
    const isLate = isBeginning && timeMs >= fromMs;
    return isLate || (body.type === 'step-finished' && !begun.has(step)) ? step : [];
  });
}

/** The same with a first step that ends only when the run is stopped. */
async function goOnLate(run: RunContext): Promise<unknown> {
  run.emit('first', started);
  await run.step('first', async ({ signal }) => aborted(signal));
  run.emit('first', finished);
  run.emit('second', started);
  const second = await run.step('second', async () => 1).catch(() => 2);
  run.emit('second', finished);
  run.emit('third', asked);
  return second;
}

/** At which change of what is kept a process is killed, and the one after it: the first two only begin a run. None here has more. */
const crashes = [3, 4, 5, 6, 7, 8].flatMap((first) =>
  [2, 3, 4, Infinity].map((second) => ({ first, second })),
);

/** What is too late to begin. */
export const lateRules: DurabilityRules = {
  'wherever its hosts were killed, no step of a run is told as begun once its time is over': async (
    makeWorld,
  ) => {
    for (const { first, second } of crashes) {
      const { open, clock } = createBench(makeWorld);
      const before = await open(goOn, { crashAt: first });
      const fromMs = clock.now() + limits.durationMsMax;
      await before.start(createRunInput({ limits }));
      await clock.advance(limits.durationMsMax);
      for (const crashAt of [second, Infinity]) {
        await open(goOn, { crashAt });
        await clock.settle();
      }
      await assertTold(await open(goOn), fromMs);
    }
  },

  'wherever its hosts were killed, no step of a run is told as begun after a cancel that was acknowledged':
    async (makeWorld) => {
      for (const { first, second } of crashes) {
        const { open, clock } = createBench(makeWorld);
        const before = await open(goOnLate, { crashAt: first });
        await before.start(createRunInput({}));
        await clock.advance(1);
        let cancelledAtMs = Infinity;
        void before.cancel('acme', 'run_1', 'ann').then(() => {
          cancelledAtMs = clock.now();
        });
        await clock.advance(1);
        for (const crashAt of [second, Infinity]) {
          await open(goOnLate, { crashAt });
          await clock.advance(1);
        }
        const last = await open(goOnLate);
        await last.cancel('acme', 'run_1', 'bob');
        await clock.settle();
        await assertTold(last, cancelledAtMs);
      }
    },
};

async function assertTold(engine: EngineUnderTest, fromMs: number): Promise<void> {
  const events = await eventsOf(engine);
  assert.deepEqual(wrongOf(events, fromMs), []);
  const { events: again, digest, recordedDigest } = await engine.replay('acme', 'run_1');
  assert.equal(JSON.stringify(again), JSON.stringify(events));
  assert.equal(digest, recordedDigest);
}

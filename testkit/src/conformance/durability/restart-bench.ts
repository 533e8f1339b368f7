import type { RunContext, RunEvent, RunProgram, RunResult } from '@modelhost/kernel';
import { createRandom } from '../../simulation/random.ts';
import { createVirtualClock } from '../../virtual-clock.ts';
import type { VirtualClock } from '../../virtual-clock.ts';
import { defaultBounds, done } from '../workbench.ts';
import type { EngineUnderTest } from '../workbench.ts';
import type { DurableWorld, MakeDurableWorld, OpenOptions } from './world.ts';

/** A world whose engines come and go. */
export interface RestartBench {
  readonly world: DurableWorld;
  readonly clock: VirtualClock;
  /** Opens an engine on what is kept, under version 1 unless others are given. */
  readonly open: (
    body: (run: RunContext) => Promise<unknown>,
    changes?: Partial<OpenOptions>,
  ) => Promise<EngineUnderTest>;
}

/** Starts without an engine. */
export function createBench(makeWorld: MakeDurableWorld): RestartBench {
  const clock = createVirtualClock();
  const world = makeWorld({ clock, random: createRandom('restart') });
  return {
    world,
    clock,
    open: async (body, changes) =>
      world.open({
        programs: { '1': () => programOf(body) },
        current: '1',
        bounds: { ...defaultBounds, parkAfterMs: 60_000 },
        ...changes,
      }),
  };
}

/** A program whose answer is what its body gives, as JSON. */
export function programOf(body: (run: RunContext) => Promise<unknown>): RunProgram {
  return async (context): Promise<RunResult> => {
    const answer = await body(context);
    return { ...done, ending: { reason: 'completed', answer: JSON.stringify(answer ?? null) } };
  };
}

/** What the body of a run gave, or how else the run ended. */
export async function answerOf(engine: EngineUnderTest, runId = 'run_1'): Promise<unknown> {
  const { ending } = (await engine.status('acme', runId))?.result ?? {};
  return ending?.reason === 'completed' ? JSON.parse(ending.answer) : ending;
}

/** The events of the run `run_1`, to its end. */
export async function eventsOf(
  engine: EngineUnderTest,
  afterSequence = 0,
): Promise<readonly RunEvent[]> {
  const { signal } = new AbortController();
  return Array.fromAsync(engine.follow('acme', 'run_1', { afterSequence, signal }));
}

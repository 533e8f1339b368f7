import type { RunInput, RunProgram, RunResult } from '@modelhost/kernel';
import type { Journal } from '../journal/journal.ts';
import { createPerformance } from './performance.ts';
import type { Performance } from './performance.ts';
import { createToldEvents, rehearse } from './rehearse.ts';
import type { ToldEvents, Turn } from './rehearse.ts';

/** What a program came to by its journal alone. */
export interface Rehearsal {
  readonly performance: Performance;
  readonly told: ToldEvents;
  /** What the program does otherwise than its journal says. */
  readonly problem: string | undefined;
  /** What it ended with, by now. */
  readonly result: () => RunResult | undefined;
}

/** Rehearses a program that nothing is alive of: no body runs, nobody is told, and nothing is written. Its caller closes it. */
export async function rehearseAlone(options: {
  readonly program: RunProgram;
  readonly input: RunInput;
  readonly journal: Journal;
  readonly stepNamesMax: number;
  readonly turn: Turn;
  /** For a time that is not in the journal. */
  readonly now: () => number;
}): Promise<Rehearsal> {
  const { program, input, journal, stepNamesMax, turn, now } = options;
  const told = createToldEvents(journal);
  let ended: RunResult | undefined;
  const performance = createPerformance({
    program,
    input,
    stepNamesMax,
    hooks: {
      onAsk: () => {},
      // What is not in the journal was not durable, so nobody has seen it.
      onEvent: (step, body) => void told.tell(step, body),
      onHalt: () => {},
      onFault: () => {},
      onEnd: (result) => {
        ended = result;
      },
      readTime: (name) => journal.times.get(name) ?? now(),
    },
  });
  const problem = await rehearse({ performance, journal, told, turn });
  return { performance, told, problem, result: () => ended };
}

import type { RunEvent, RunEventBody } from '@modelhost/kernel';
import type { Handover } from '../journal/frame.ts';
import type { Journal } from '../journal/journal.ts';
import { listSequences } from '../journal/sequences.ts';
import type { StepAsk } from './ask.ts';
import type { Performance } from './performance.ts';

/** Lets everything that can go on without time or input go on: a boundary between two macrotasks. */
export type Turn = () => Promise<void>;

/** The events of a run, as its journal and its program tell them. */
export interface ToldEvents {
  /** An event of the program. `silent` for one that was not told; `new` when the journal knows of none any more. */
  tell(step: string, body: RunEventBody): 'told' | 'silent' | 'new';
  /** What the body of a step told, before its end is handed over. */
  tellStep(ask: StepAsk, handover: Extract<Handover, { kind: 'step' }>): void;
  /** How many events of the program the journal has that were not told. */
  missing(): number;
  /** In the order of their sequences. */
  all(): readonly RunEvent[];
  /** They are not needed any more. */
  forget(): void;
}

/** Starts with what was told by steps that were interrupted or left, and that they were. */
export function createToldEvents({ marks, resets, left }: Journal): ToldEvents {
  const events: RunEvent[] = [...left];
  let used = 0;
  for (const { name, attempt, sequence, timeMs, lost } of resets) {
    for (const event of lost) {
      const { sequence: lostSequence, timeMs: lostMs, body } = event;
      // In the order of every event, so that it is the same text.
      events.push({ sequence: lostSequence, timeMs: lostMs, step: name, body });
    }
    events.push({ sequence, timeMs, step: name, body: { type: 'step-reset', attempt } });
  }
  return {
    tell: (step, body) => {
      const [sequence, timeMs] = [marks[used], marks[used + 1]];
      if (sequence === undefined || timeMs === undefined) return 'new';
      used += 2;
      if (sequence === 0) return 'silent';
      events.push({ sequence, timeMs, step, body });
      return 'told';
    },
    tellStep: (ask, { end, sequences, told }) => {
      const bodies = told ?? (end.type === 'done' ? ask.tell(end.value) : []);
      for (const [index, sequence] of listSequences(sequences).entries()) {
        const event = bodies[index];
        if (event === undefined) return;
        events.push({ sequence, timeMs: event.timeMs, step: ask.name, body: event.body });
      }
    },
    missing: () => (marks.length - used) / 2,
    all: () => events.toSorted((one, other) => one.sequence - other.sequence),
    forget: () => {
      events.length = 0;
    },
  };
}

/**
 * Lets a program begin, and hands it what it was handed before, in the same order. Gives what it does otherwise than its
 * journal says; undefined when it does all as before. Nothing is handed over that was not asked for.
 */
export async function rehearse(options: {
  readonly performance: Performance;
  readonly journal: Journal;
  readonly told: ToldEvents;
  readonly turn: Turn;
}): Promise<string | undefined> {
  const { performance, journal, told, turn } = options;
  performance.begin();
  await turn();
  for (const handover of journal.handed) {
    if (!performance.isAskedFor(handover)) {
      const name = 'name' in handover ? handover.name : handover.kind;
      return `its program does not ask for ${name}, which its journal has next`;
    }
    if (handover.kind === 'step') {
      const ask = performance.find(handover.name);
      if (ask?.kind === 'step') told.tellStep(ask, handover);
    }
    performance.hand(handover);
    await turn();
  }
  for (const names of [journal.begun, journal.waits, journal.times]) {
    for (const name of names.keys()) {
      if (!performance.used.has(name)) return `its program does not ask for ${name} any more`;
    }
  }
  const missing = told.missing();
  return missing === 0 ? undefined : `its program does not tell ${missing} of its events any more`;
}

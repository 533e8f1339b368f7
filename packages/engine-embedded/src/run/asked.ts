import type { Handover, KeptWait } from '../journal/frame.ts';
import { givenUpReasonOf } from './ask.ts';
import type { Ask, StepAsk, WaitAsk } from './ask.ts';
import { haltOf } from './ending.ts';
import type { LiveRun } from './live-run.ts';

/** The program asks for something. While it is handed its journal, that waits. */
export function takeAsk(live: LiveRun, ask: Ask): void {
  if (live.phase !== 'live') return;
  if (ask.kind === 'step') beginStep(live, ask);
  else beginWait(live, ask, undefined);
}

/** Begins a step for the first time: at once, or once that is durable when it must not run twice. */
export function beginStep(live: LiveRun, ask: StepAsk): void {
  if (refuseIfHalted(live, ask)) return;
  live.outbox.begun({ name: ask.name, attempt: 1, isOnce: ask.isOnce });
  if (!ask.isOnce) return runStep(live, ask, 1);
  live.starts.push(ask);
  live.wake();
}

/** Begins the steps that waited for being durable. */
export function startSteps(live: LiveRun, starts: readonly StepAsk[]): void {
  for (const ask of starts) if (!refuseIfHalted(live, ask)) runStep(live, ask, 1);
}

/** Runs the body of a step. */
export function runStep(live: LiveRun, ask: StepAsk, attempt: number): void {
  void live.steps.run(ask, attempt).then(({ end, cause, sequences, told }) => {
    if (live.phase !== 'live') return;
    const handover: Handover = {
      kind: 'step',
      name: ask.name,
      end,
      sequences,
      ...(told === undefined ? {} : { told }),
    };
    live.outbox.ready({ handover, cause });
    live.wake();
  });
}

/** The program waits, perhaps since before a crash. */
export function beginWait(live: LiveRun, ask: WaitAsk, kept: KeptWait | undefined): void {
  const begun = live.waits.begin(ask, kept);
  if (begun !== undefined) live.outbox.waits(begun);
  live.wake();
}

/** After a stop no body begins but those for cleanup. */
function refuseIfHalted(live: LiveRun, ask: StepAsk): boolean {
  const halted = ask.isCleanup ? undefined : haltOf(live);
  if (halted === undefined) return false;
  const end = { type: 'refused', reason: givenUpReasonOf(halted) } as const;
  live.outbox.ready({ handover: { kind: 'step', name: ask.name, end, sequences: [] } });
  live.wake();
  return true;
}

import { HostError } from '@modelhost/kernel';
import type { RunEvent } from '@modelhost/kernel';
import { createEventKeeping } from '../event-keeping.ts';
import type { BegunStep, LostEvent, StepEnd } from '../journal/frame.ts';
import { addSequence } from '../journal/sequences.ts';
import { mapInSlices } from '../slices.ts';
import { eventSize } from '../event-size.ts';
import { readKeptEvents, readSpent } from '../kept-events.ts';
import { givenUpReasonOf } from './ask.ts';
import type { StepAsk } from './ask.ts';
import { beginStep, beginWait, runStep } from './asked.ts';
import { endRun, haltOf, refuseRun, stopRun } from './ending.ts';
import type { LiveRun } from './live-run.ts';
import { rehearse } from './rehearse.ts';
import { tellNew } from './telling.ts';

/** Lets the program of a run go as far as its journal goes, and on from there. */
export async function resumeRun(live: LiveRun): Promise<void> {
  const { origin, turn, program } = live.options;
  const { journal } = origin;
  const { performance, told } = live;
  if (typeof program === 'function' && isFresh(live)) {
    live.phase = 'live';
    takeSignals(live);
    watchDeadline(live);
    return performance.begin();
  }
  const problem =
    typeof program === 'function'
      ? divergenceOf(await rehearse({ performance, journal, told, turn }))
      : program;
  if (!isThere(live)) return;
  if (problem !== undefined) return endWith(live, problem);
  const lost = await catchUp(live);
  if (!isThere(live)) return;
  live.phase = 'live';
  if (live.ended === undefined) {
    takeSignals(live);
    watchDeadline(live);
  }
  for (const [step, body] of live.untold) tellNew(live, step, body);
  if (live.ended !== undefined) return endRun(live, live.ended.result);
  for (const ask of Array.from(performance.asks())) {
    if (ask.kind === 'wait') beginWait(live, ask, journal.waits.get(ask.name));
    else resumeStep(live, ask, lost.get(ask.name) ?? []);
  }
  live.wake();
}

/** Nothing of a run that cannot be followed is known but what is kept of its events. */
async function endWith(live: LiveRun, problem: HostError): Promise<void> {
  const { options, runId, tenant } = live;
  const { store, codec, origin } = options;
  const spent = await readSpent({ store, codec, tenant, runId });
  if (!isThere(live)) return;
  live.phase = 'live';
  live.spent = spent;
  live.outbox.resume(origin.status.lastSequence, []);
  options.onFault(problem);
  refuseRun(live, problem);
}

/** Whether nothing of it is kept but what it was started with. */
function isFresh({ options: { origin } }: LiveRun): boolean {
  return origin.entries === 0 && origin.journal.marks.length + origin.journal.handed.length === 0;
}

/** It may have been dropped meanwhile. */
function isThere({ phase }: LiveRun): boolean {
  return phase !== 'gone';
}

function divergenceOf(problem: string | undefined): HostError | undefined {
  return problem === undefined
    ? undefined
    : new HostError('internal', `the run cannot go on: ${problem}`);
}

/** Numbers go on where they were. Gives what was told by steps that were interrupted, by their names. */
async function catchUp(live: LiveRun): Promise<ReadonlyMap<string, readonly RunEvent[]>> {
  const { store, codec, turn, bounds, origin } = live.options;
  const { lastSequence } = origin.status;
  const told = live.told.all();
  const known = new Set(told.map(({ sequence }) => sequence));
  let firstLost: number | undefined;
  for (let sequence = 1; sequence <= lastSequence && firstLost === undefined; sequence += 1) {
    if (!known.has(sequence)) firstLost = sequence;
  }
  const { runId, tenant } = live;
  const lost: RunEvent[] = [];
  if (firstLost !== undefined) {
    const afterSequence = firstLost - 1;
    for await (const event of readKeptEvents({ store, codec, tenant, runId }, afterSequence)) {
      if (!known.has(event.sequence)) lost.push(event);
    }
  }
  const all = [...told, ...lost].sort((one, other) => one.sequence - other.sequence);
  const isKept = ({ sequence }: RunEvent): boolean => sequence <= lastSequence;
  const kept = all.filter(isKept);
  const sizes = { sizeOf: ({ body }: RunEvent) => eventSize(body), turn };
  await mapInSlices(kept, (event) => live.outbox.recall(event), sizes);
  live.outbox.resume(lastSequence, lost);
  live.outbox.repeat(all.filter((event) => !isKept(event)));
  live.keeping = createEventKeeping(bounds, kept);
  live.told.forget();
  return Map.groupBy(lost, ({ step }) => step);
}

/** Signals that the program was not handed yet. */
function takeSignals(live: LiveRun): void {
  const { journal, signals, stop } = live.options.origin;
  const used = new Set(journal.handed.flatMap((one) => (one.kind === 'signal' ? one.name : [])));
  for (const { name, payload } of signals) {
    if (!used.has(name)) live.waits.arrive(name, payload);
  }
  const isStopped = live.performance.halted() !== undefined;
  if (stop !== undefined && !isStopped) stopRun(live, stop);
}

function watchDeadline(live: LiveRun): void {
  if (live.isStopping) return;
  const { clock } = live.options;
  const leftMs = live.deadlineMs - clock.now();
  // What is over before it goes on does nothing more.
  if (leftMs <= 0) return void stopRun(live, { type: 'deadline' });
  live.cancelDeadline = clock.setTimer(leftMs, () => stopRun(live, { type: 'deadline' }));
}

/** A step that the program asks for and has no result of: it never began, or was interrupted. */
function resumeStep(live: LiveRun, ask: StepAsk, told: readonly RunEvent[]): void {
  const begun = live.options.origin.journal.begun.get(ask.name);
  if (begun === undefined) return beginStep(live, ask);
  const lost = told.map(({ sequence, timeMs, body }) => ({ sequence, timeMs, body }));
  const halted = ask.isCleanup ? undefined : haltOf(live);
  if (begun.isOnce || halted !== undefined) return endStep(live, begun, lost);
  const attempt = begun.attempt + 1;
  live.outbox.reset(ask.name, attempt, lost);
  live.outbox.begun({ name: ask.name, attempt, isOnce: false });
  runStep(live, ask, attempt);
}

/** Ends a step that is not tried again. */
function endStep(
  live: LiveRun,
  { name, isOnce, attempt }: BegunStep,
  told: readonly LostEvent[],
): void {
  const sequences: number[] = [];
  for (const { sequence } of told) addSequence(sequences, sequence);
  const reason = givenUpReasonOf(haltOf(live));
  const end: StepEnd = isOnce ? { type: 'unknown' } : { type: 'given-up', reason, lost: attempt };
  live.outbox.ready({ handover: { kind: 'step', name, end, sequences, told } });
}

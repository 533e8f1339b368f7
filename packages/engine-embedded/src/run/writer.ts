import { toErrorData } from '@modelhost/kernel';
import type { RunState, RunStatus } from '@modelhost/kernel';
import { sealStatus } from '../kept-status.ts';
import type { KeptEvents, RunWrite } from '../run-store.ts';
import { cutFrame } from '../journal/pieces.ts';
import { startSteps } from './asked.ts';
import { dropRun, openSteps, runIsOver } from './live-run.ts';
import type { LiveRun } from './live-run.ts';
import type { Batch } from './outbox.ts';

/** After how long a store without room is asked again. */
const roomRetryMs = 250;

/** Writes whatever should be written, one write at a time, and hands the program what is durable. */
export function wakeWriter(live: LiveRun): void {
  if (live.isWriting || live.phase === 'rehearsed' || live.phase === 'gone') return;
  live.isWriting = true;
  live.cancelPause();
  void writeAll(live)
    .catch((thrown: unknown) => breakOff(live, thrown))
    .finally(() => {
      live.isWriting = false;
      if (isAlive(live)) rest(live);
    });
}

async function writeAll(live: LiveRun): Promise<void> {
  // What is asked for and told in the same turn goes into the same write.
  await live.options.turn();
  while (isAlive(live) && hasNews(live)) await writeOnce(live);
}

async function writeOnce(live: LiveRun): Promise<void> {
  const { feed, turn, onEnd } = live.options;
  const starts = live.starts.splice(0);
  const batch = live.outbox.take();
  const status = statusAfter(live, batch);
  const write = writeOf(live, batch, status);
  const isWritten = await writePatiently(live, write);
  if (!isWritten) return;
  live.entries += write.entries.length;
  live.status = status;
  feed.show(batch.events);
  if (status.state === 'finished') {
    dropRun(live, runIsOver);
    return onEnd(status);
  }
  await makeRoom(live, batch);
  startSteps(live, starts);
  if (batch.handed.length === 0) await turn();
  for (const { handover, cause } of batch.handed) {
    if (live.phase !== 'live') break;
    live.performance.hand(handover, cause);
    await turn();
  }
}

/** Writes, and again as long as there is no room just now. False when the run was dropped meanwhile. */
async function writePatiently(live: LiveRun, write: RunWrite): Promise<boolean> {
  const { store, clock, bounds } = live.options;
  const untilMs = clock.now() + bounds.storeRetryMs;
  for (;;) {
    try {
      await store.write(write);
      return isAlive(live);
    } catch (thrown) {
      if (!isAlive(live)) return false;
      if (!isWithoutRoom(thrown) || clock.now() >= untilMs) throw thrown;
      const { promise, resolve } = Promise.withResolvers<void>();
      live.cancelPause = clock.setTimer(roomRetryMs, resolve);
      await promise;
    }
  }
}

/** Nothing of the write is there, and a later one may find room: what goes on meanwhile is not lost by waiting for that. */
function isWithoutRoom(thrown: unknown): boolean {
  const { code, facts } = toErrorData(thrown);
  return code === 'overloaded' || facts['reason'] === 'disk_full';
}

/** A run whose program has ended still has its end to write. */
function isAlive({ phase }: LiveRun): boolean {
  return phase !== 'gone';
}

function hasNews(live: LiveRun): boolean {
  return live.outbox.isUrgent() || !isSameStatus(live.status, stateOf(live), live);
}

function isSameStatus(status: RunStatus, state: RunState, { waits }: LiveRun): boolean {
  if (status.state !== state) return false;
  const pending = waits.pending();
  return (
    pending.length === status.waitingFor.length &&
    pending.every(({ name }, index) => name === status.waitingFor[index]?.name)
  );
}

/** It waits when nothing else is done and nothing is about to be. */
function stateOf(live: LiveRun): RunState {
  const isBusy = live.outbox.hasReady() || openSteps(live) > 0 || live.phase !== 'live';
  return live.waits.count() > 0 && !isBusy ? 'waiting' : 'running';
}

/** What is known of the run once the batch is durable. */
function statusAfter(live: LiveRun, { events, handed }: Batch): RunStatus {
  const lastSequence = events.at(-1)?.sequence ?? live.status.lastSequence;
  const before = { ...live.status, lastSequence };
  const last = handed.at(-1)?.handover;
  if (last?.kind === 'finish') {
    const { result, timeMs } = last;
    return { ...before, state: 'finished', finishedAtMs: timeMs, waitingFor: [], result };
  }
  const state = handed.length > 0 ? 'running' : stateOf(live);
  if (isSameStatus(before, state, live)) return before;
  return { ...before, state, waitingFor: live.waits.pending() };
}

function writeOf(live: LiveRun, batch: Batch, status: RunStatus): RunWrite {
  const { runId, tenant, entries } = live;
  const { codec } = live.options;
  const pieces = batch.frame === undefined ? [] : cutFrame(JSON.stringify(batch.frame));
  const { state, waitingFor, finishedAtMs } = status;
  const isChanged = state !== live.status.state || waitingFor !== live.status.waitingFor;
  return {
    runId,
    entries: pieces.map((piece, index) =>
      codec.encode(piece, { tenant, runId, part: `entry/${entries + index}` }),
    ),
    events: eventsOf(live, batch),
    run: isChanged ? { state, finishedAtMs, status: sealStatus(codec, status) } : undefined,
  };
}

function eventsOf(live: LiveRun, { events, eventTexts }: Batch): KeptEvents | undefined {
  const { runId, tenant, options } = live;
  const [first, last] = [events.at(0), events.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const place = { tenant, runId, part: `events/${first.sequence}` };
  return {
    firstSequence: first.sequence,
    lastSequence: last.sequence,
    payload: options.codec.encode(`[${eventTexts.join(',')}]`, place),
  };
}

async function makeRoom(live: LiveRun, { events, bytes }: Batch): Promise<void> {
  const last = events.at(-1);
  if (last === undefined) return;
  const { sequence: lastSequence } = last;
  const upTo = live.keeping.add({ lastSequence, count: events.length, bytes });
  if (upTo !== undefined) await live.options.store.dropEvents(live.runId, upTo);
}

/** The store did not take it: nobody knows what of the run is there, but the store. */
export function breakOff(live: LiveRun, thrown: unknown): void {
  if (!isAlive(live)) return;
  dropRun(live, thrown);
  live.options.onBroken(thrown);
}

/** Lets a run that only waits leave memory after a while. */
function rest(live: LiveRun): void {
  // Something may have come since the last look.
  if (hasNews(live)) return wakeWriter(live);
  if (!isIdle(live)) return;
  const { clock, bounds, onIdle } = live.options;
  const { dueMs, sinceMs } = live.waits.times();
  const wakeAtMs = Math.min(dueMs, live.deadlineMs);
  // What is due already comes at once: it would only be read back for it.
  if (wakeAtMs <= clock.now()) return;
  const restMs = live.isParkedSoon ? 0 : sinceMs + bounds.parkAfterMs - clock.now();
  if (restMs <= 0) return onIdle(wakeAtMs);
  // By then something may be on its way in, of which the run must still be told.
  live.cancelPause = clock.setTimer(restMs, () => rest(live));
}

/** Whether a run does nothing but wait. */
export function isIdle(live: LiveRun): boolean {
  return (
    live.phase === 'live' &&
    !live.isWriting &&
    !live.isStopping &&
    !live.waits.isExpecting() &&
    live.starts.length === 0 &&
    stateOf(live) === 'waiting'
  );
}

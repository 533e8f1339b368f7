import { HostError, noStatistics } from '@modelhost/kernel';
import type { Clock, RunEvent, RunStatistics, RunStatus } from '@modelhost/kernel';
import type { RunCodec } from './codec.ts';
import { readSpent } from './kept-events.ts';
import { blankStatus, firstStatus, openStatus, sealStatus } from './kept-status.ts';
import { openInput } from './origin.ts';
import type { KeptRun, RunStore } from './run-store.ts';

/** Whether this says that what is kept does not open, now or ever. */
export function isDamage(thrown: unknown): thrown is HostError {
  return isStorageFault(thrown, 'corrupt');
}

/** Whether this says that what is kept was sealed under a key that is not at hand. */
export function isWithoutKey(thrown: unknown): thrown is HostError {
  return isStorageFault(thrown, 'no_key');
}

function isStorageFault(thrown: unknown, reason: string): thrown is HostError {
  if (!(thrown instanceof HostError)) return false;
  return thrown.code === 'storage_unavailable' && thrown.facts['reason'] === reason;
}

/**
 * Ends a run that nothing can go on from, with whatever of it still opens, and the fault as its error. Its journal stays as it is.
 * Gives its last event; undefined for a run that is finished already, or not there.
 */
export async function endUnreadable(
  parts: { readonly store: RunStore; readonly codec: RunCodec; readonly clock: Clock },
  runId: string,
  fault: HostError,
): Promise<{ readonly status: RunStatus; readonly event: RunEvent } | undefined> {
  const { store, codec, clock } = parts;
  const kept = await store.find(runId);
  if (kept === undefined || kept.state === 'finished') return undefined;
  const { tenant, createdAtMs, lastSequence } = kept;
  const timeMs = clock.now();
  const { code, message, facts } = fault;
  const result = {
    ending: {
      reason: 'failed',
      error: { code, message: `the run cannot go on: ${message}`, facts },
    },
    statistics: { ...(await readUsed(parts, kept)), durationMs: Math.max(0, timeMs - createdAtMs) },
  } as const;
  const sequence = lastSequence + 1;
  const event: RunEvent = { sequence, timeMs, step: '', body: { type: 'run-finished', result } };
  const status: RunStatus = {
    ...(await readStatus(parts, kept)),
    state: 'finished',
    finishedAtMs: timeMs,
    lastSequence: sequence,
    waitingFor: [],
    result,
  };
  const place = { tenant, runId, part: `events/${sequence}` };
  const payload = codec.encode(JSON.stringify([event]), place);
  await store.write({
    runId,
    entries: [],
    events: { firstSequence: sequence, lastSequence: sequence, payload },
    run: { state: 'finished', finishedAtMs: timeMs, status: sealStatus(codec, status) },
  });
  return { status, event };
}

/** What it told last of what it has used, where its events open. */
async function readUsed(
  { store, codec }: { readonly store: RunStore; readonly codec: RunCodec },
  { tenant, runId }: KeptRun,
): Promise<RunStatistics> {
  try {
    return await readSpent({ store, codec, tenant, runId });
  } catch (thrown) {
    if (isDamage(thrown) || isWithoutKey(thrown)) return noStatistics;
    throw thrown;
  }
}

/** From its status, or what it was started with, or its row: the first of them that opens. */
async function readStatus(
  { store, codec }: { readonly store: RunStore; readonly codec: RunCodec },
  kept: KeptRun,
): Promise<RunStatus> {
  try {
    return openStatus(codec, kept);
  } catch {
    // What is wrong with it is what the run ends with.
  }
  try {
    const record = await store.read(kept.runId);
    if (record !== undefined) return firstStatus(openInput(codec, record), kept.createdAtMs);
  } catch {
    // As above.
  }
  return blankStatus(kept);
}

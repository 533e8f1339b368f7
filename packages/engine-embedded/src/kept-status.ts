import { noStatistics, parseJsonText, toErrorData } from '@modelhost/kernel';
import type { RunInput, RunStatus } from '@modelhost/kernel';
import type { RunCodec } from './codec.ts';
import type { KeptRun } from './run-store.ts';

/** What of a status is sealed: all that the store does not find runs by. */
type SealedStatus = Pick<
  RunStatus,
  'principal' | 'agent' | 'agentVersion' | 'metadata' | 'sessionId' | 'waitingFor' | 'result'
>;

/** The status of a run that has done nothing yet. */
export function firstStatus(input: RunInput, createdAtMs: number): RunStatus {
  const { runId, principal, agent, metadata, session } = input;
  return {
    runId,
    principal,
    agent: agent.id,
    agentVersion: agent.version,
    metadata,
    ...(session === undefined ? {} : { sessionId: session.sessionId }),
    state: 'running',
    createdAtMs,
    finishedAtMs: undefined,
    lastSequence: 0,
    waitingFor: [],
    result: undefined,
  };
}

/** The part of a status that its store cannot read. */
export function sealStatus(codec: RunCodec, status: RunStatus): Uint8Array {
  const { principal, agent, agentVersion, metadata, sessionId, waitingFor, result } = status;
  const within = sessionId === undefined ? {} : { sessionId };
  const about = { principal, agent, agentVersion, metadata, ...within };
  const sealed: SealedStatus = { ...about, waitingFor, result };
  const place = { tenant: principal.tenant, runId: status.runId, part: 'status' };
  return codec.encode(JSON.stringify(sealed), place);
}

/** The status of a run as it is kept. */
export function openStatus(codec: RunCodec, kept: KeptRun): RunStatus {
  const { tenant, runId, state, createdAtMs, finishedAtMs, lastSequence } = kept;
  const text = codec.decode(kept.status, { tenant, runId, part: 'status' });
  // It was sealed by `sealStatus`, and nobody else can.
  const { result, ...sealed } = parseJsonText(text) as unknown as SealedStatus;
  return { runId, ...sealed, state, createdAtMs, finishedAtMs, lastSequence, result };
}

/** What the row of a run tells when nothing else of it opens. */
export function blankStatus(kept: KeptRun): RunStatus {
  const { runId, tenant, state, createdAtMs, finishedAtMs, lastSequence } = kept;
  const about = { agent: '', agentVersion: '', metadata: {}, waitingFor: [], result: undefined };
  const principal = { tenant, subject: '', roles: [] };
  return { runId, principal, ...about, state, createdAtMs, finishedAtMs, lastSequence };
}

/** As `openStatus`; where it does not open, what its row tells, and for a finished run why it tells no more. */
export function showStatus(codec: RunCodec, kept: KeptRun): RunStatus {
  try {
    return openStatus(codec, kept);
  } catch (thrown) {
    const error = toErrorData(thrown);
    if (error.code !== 'storage_unavailable') throw thrown;
    const status = blankStatus(kept);
    if (kept.state !== 'finished') return status;
    return { ...status, result: { ending: { reason: 'failed', error }, statistics: noStatistics } };
  }
}

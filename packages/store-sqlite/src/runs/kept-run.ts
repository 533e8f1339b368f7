import type { KeptRun } from '@modelhost/engine-embedded';
import type { RunState } from '@modelhost/kernel';
import type { SQLOutputValue } from 'node:sqlite';
import { readPayloadOrNone } from '../payload.ts';

/** Runs with what `toKeptRun` needs; `WHERE` and the rest follow. */
export const selectRuns = `SELECT ordinal, run_id, tenant, state, created_at_ms, finished_at_ms, input_digest,
    program_version, last_sequence, body, run.blob, digest, bytes
  FROM run JOIN run_tail ON run_tail.run = run.ordinal LEFT JOIN blob ON blob.id = run.blob`;

/** Of a row of `selectRuns`. */
export function toKeptRun(row: Readonly<Record<string, SQLOutputValue>>): KeptRun {
  const finishedAtMs = row['finished_at_ms'];
  return {
    runId: String(row['run_id']),
    tenant: String(row['tenant']),
    ordinal: Number(row['ordinal']),
    // The table allows no other text.
    state: String(row['state']) as RunState,
    createdAtMs: Number(row['created_at_ms']),
    finishedAtMs: typeof finishedAtMs === 'number' ? finishedAtMs : undefined,
    inputDigest: String(row['input_digest']),
    programVersion: String(row['program_version']),
    lastSequence: Number(row['last_sequence']),
    status: readPayloadOrNone(row),
  };
}

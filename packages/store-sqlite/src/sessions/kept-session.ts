import type { SQLOutputValue } from 'node:sqlite';
import type { SessionDraft, SessionPlace } from '@modelhost/kernel';
import { readPayloadOrNone } from '../payload.ts';

/** A session as it is kept. What people wrote is in sealed bytes; what is open is what sessions are found by. */
export interface KeptSession extends Pick<
  SessionDraft,
  'tenant' | 'sessionId' | 'subject' | 'createdAtMs' | 'branch'
> {
  readonly ordinal: number;
  readonly updatedAtMs: number;
  readonly rootId: string;
  readonly turns: number;
  readonly heldBy: string | undefined;
  /** Title, metadata and labels. */
  readonly about: Uint8Array;
}

/** A turn as it is kept. */
export interface KeptTurn {
  readonly number: number;
  readonly runId: string;
  /** Of one sealed text, in their order. */
  readonly pieces: readonly Uint8Array[];
}

/** Sessions with what `toKeptSession` needs; `WHERE` and the rest follow. */
export const selectSessions = `SELECT ordinal, tenant, session_id, subject, created_at_ms, updated_at_ms, root_id,
    branched_from, branched_at, turns, last_turn, held_by, body, session.blob, digest, bytes
  FROM session LEFT JOIN blob ON blob.id = session.blob`;

/** Names one session, after `selectSessions`. */
export const ofPlace = 'WHERE tenant = ? AND session_id = ?';

/** The parameters of `ofPlace`. */
export function placeOf({ tenant, sessionId }: SessionPlace): readonly [string, string] {
  return [tenant, sessionId];
}

/** Of a row of `selectSessions`. */
export function toKeptSession(row: Readonly<Record<string, SQLOutputValue>>): KeptSession {
  const { branched_from: branchedFrom, branched_at: turn, held_by: heldBy } = row;
  const branch =
    typeof branchedFrom === 'string'
      ? { branch: { sessionId: branchedFrom, turn: Number(turn) } }
      : {};
  return {
    ordinal: Number(row['ordinal']),
    tenant: String(row['tenant']),
    sessionId: String(row['session_id']),
    subject: String(row['subject']),
    createdAtMs: Number(row['created_at_ms']),
    updatedAtMs: Number(row['updated_at_ms']),
    rootId: String(row['root_id']),
    ...branch,
    turns: Number(row['turns']),
    heldBy: typeof heldBy === 'string' ? heldBy : undefined,
    about: readPayloadOrNone(row),
  };
}

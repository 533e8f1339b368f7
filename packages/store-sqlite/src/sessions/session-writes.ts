import type { SessionDraft, SessionPlace } from '@modelhost/kernel';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { createPayloads } from '../payload.ts';
import { ofPlace, placeOf, selectSessions, toKeptSession } from './kept-session.ts';
import type { KeptSession, KeptTurn } from './kept-session.ts';
import { prepareWalk } from './turn-chain.ts';

/** What changes of sessions. What is expected to fail is told by the result: a fault would make others in its group wait. */
export type SessionWrites = {
  createSession(
    session: Omit<KeptSession, 'ordinal' | 'turns' | 'heldBy'> & Pick<SessionDraft, 'requestKey'>,
  ): { readonly created: boolean; readonly session: KeptSession } | 'absent';
  holdSession(argument: {
    readonly place: SessionPlace;
    readonly runId: string;
    readonly insteadOf: string | undefined;
  }): KeptSession | undefined;
  releaseSession(argument: { readonly place: SessionPlace; readonly runId: string }): void;
  appendTurn(argument: {
    readonly place: SessionPlace;
    readonly turn: KeptTurn;
    readonly updatedAtMs: number;
    readonly about: Uint8Array;
  }): 'appended' | 'known' | 'conflict' | 'absent';
  deleteSession(
    place: SessionPlace,
  ): { readonly turns: number } | { readonly heldBy: string } | undefined;
};

/** Prepares the statements. */
export function createSessionWrites(database: DatabaseSync): SessionWrites {
  const find = prepareFind(database);
  const hold = database.prepare(
    `UPDATE session SET held_by = ? ${ofPlace} AND (held_by IS NULL OR held_by = ?)`,
  );
  const release = database.prepare(`UPDATE session SET held_by = NULL ${ofPlace} AND held_by = ?`);

  return {
    createSession: prepareCreateSession(database),
    holdSession: ({ place, runId, insteadOf }) => {
      hold.run(runId, ...placeOf(place), insteadOf ?? null);
      return find(place);
    },
    releaseSession: ({ place, runId }) => {
      release.run(...placeOf(place), runId);
    },
    appendTurn: prepareAppendTurn(database),
    deleteSession: prepareDeleteSession(database),
  };
}

function prepareFind(database: DatabaseSync): (place: SessionPlace) => KeptSession | undefined {
  const find = database.prepare(`${selectSessions} ${ofPlace}`);
  return (place) => {
    const row = find.get(...placeOf(place));
    return row && toKeptSession(row);
  };
}

function prepareCreateSession(database: DatabaseSync): SessionWrites['createSession'] {
  const payloads = createPayloads(database);
  const find = prepareFind(database);
  const ofRequest = database.prepare(`${selectSessions} WHERE tenant = ? AND request_key = ?`);
  const lastOf = database.prepare(`SELECT last_turn FROM session ${ofPlace}`);
  const walk = prepareWalk(database);
  const need = database.prepare('UPDATE session_turn SET needed_by = needed_by + 1 WHERE id = ?');
  const add = database.prepare(
    `INSERT INTO session (tenant, session_id, subject, created_at_ms, updated_at_ms, root_id, branched_from, branched_at,
       turns, last_turn, request_key, body, blob)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING ordinal`,
  );

  /** The row of a turn of another session; null for the place before the first one, undefined for one that is not there. */
  function turnOf(place: SessionPlace, number: number): SQLOutputValue | undefined {
    const from = lastOf.get(...placeOf(place));
    if (from === undefined || number === 0) return from && null;
    for (const turn of walk(from['last_turn'])) if (turn.number === number) return turn.id;
    return undefined;
  }

  function knownAs(place: SessionPlace, requestKey: string | undefined): KeptSession | undefined {
    const row = requestKey === undefined ? undefined : ofRequest.get(place.tenant, requestKey);
    return row === undefined ? find(place) : toKeptSession(row);
  }

  return ({ requestKey, ...session }) => {
    const known = knownAs(session, requestKey);
    if (known !== undefined) return { created: false, session: known };
    const { tenant, branch } = session;
    const last = branch && turnOf({ tenant, sessionId: branch.sessionId }, branch.turn);
    if (branch !== undefined && last === undefined) return 'absent';
    const turns = branch?.turn ?? 0;
    if (typeof last === 'number') need.run(last);
    const row = add.get(
      ...placeOf(session),
      session.subject,
      session.createdAtMs,
      session.updatedAtMs,
      session.rootId,
      branch?.sessionId ?? null,
      branch?.turn ?? null,
      turns,
      last ?? null,
      requestKey ?? null,
      ...payloads.place(session.about),
    );
    const ordinal = Number(row?.['ordinal']);
    return { created: true, session: { ...session, ordinal, turns, heldBy: undefined } };
  };
}

function prepareAppendTurn(database: DatabaseSync): SessionWrites['appendTurn'] {
  const payloads = createPayloads(database);
  const find = database.prepare(`SELECT turns, last_turn, held_by, blob FROM session ${ofPlace}`);
  const ofRun = database.prepare('SELECT id FROM session_turn WHERE tenant = ? AND run_id = ?');
  const walk = prepareWalk(database);
  const add = database.prepare(
    `INSERT INTO session_turn (before, number, tenant, run_id, needed_by) VALUES (?, ?, ?, ?, 1) RETURNING id`,
  );
  const addPiece = database.prepare(
    'INSERT INTO session_piece (turn, body, blob) VALUES (?, ?, ?)',
  );
  const change = database.prepare(
    `UPDATE session SET turns = ?, last_turn = ?, updated_at_ms = ?, held_by = NULL, body = ?, blob = ? ${ofPlace}`,
  );

  function isKnown(tenant: string, runId: string, last: SQLOutputValue | undefined): boolean {
    const candidates = new Set(ofRun.all(tenant, runId).map((row) => Number(row['id'])));
    if (candidates.size === 0) return false;
    for (const { id } of walk(last)) if (candidates.has(id)) return true;
    return false;
  }

  return ({ place, turn, updatedAtMs, about }) => {
    const session = find.get(...placeOf(place));
    if (session === undefined) return 'absent';
    const { turns, last_turn: last, held_by: heldBy } = session;
    const { tenant } = place;
    const { number, runId, pieces } = turn;
    if (isKnown(tenant, runId, last)) return 'known';
    if (heldBy !== runId || number !== Number(turns) + 1) return 'conflict';
    // The one before is needed by this turn now, and by the session no longer.
    const id = Number(add.get(last ?? null, number, tenant, runId)?.['id']);
    for (const piece of pieces) addPiece.run(id, ...payloads.place(piece));
    const sealed = payloads.place(about);
    payloads.release(session['blob']);
    change.run(number, id, updatedAtMs, ...sealed, ...placeOf(place));
    return 'appended';
  };
}

function prepareDeleteSession(database: DatabaseSync): SessionWrites['deleteSession'] {
  const payloads = createPayloads(database);
  const find = database.prepare(`SELECT last_turn, held_by, blob FROM session ${ofPlace}`);
  const remove = database.prepare(`DELETE FROM session ${ofPlace}`);
  const walk = prepareWalk(database);
  const needLess = database.prepare(
    'UPDATE session_turn SET needed_by = needed_by - 1 WHERE id = ? RETURNING needed_by',
  );
  const removeTurn = database.prepare('DELETE FROM session_turn WHERE id = ?');
  const removePieces = database.prepare('DELETE FROM session_piece WHERE turn = ? RETURNING blob');

  return (place) => {
    const session = find.get(...placeOf(place));
    if (session === undefined) return undefined;
    const { held_by: heldBy, last_turn: last, blob } = session;
    if (typeof heldBy === 'string') return { heldBy };
    remove.run(...placeOf(place));
    payloads.release(blob);
    let turns = 0;
    for (const { id } of walk(last)) {
      if (Number(needLess.get(id)?.['needed_by']) > 0) break;
      for (const piece of removePieces.all(id)) payloads.release(piece['blob']);
      removeTurn.run(id);
      turns += 1;
    }
    return { turns };
  };
}

import type { SessionPlace } from '@modelhost/kernel';
import type { DatabaseSync } from 'node:sqlite';
import { payloadColumns, readPayload } from '../payload.ts';
import { ofPlace, placeOf, selectSessions, toKeptSession } from './kept-session.ts';
import type { KeptSession, KeptTurn } from './kept-session.ts';
import { prepareWalk } from './turn-chain.ts';

/** What is asked about sessions. */
export type SessionReads = {
  findSession(place: SessionPlace): KeptSession | undefined;
  listSessions(page: {
    readonly tenant: string;
    readonly subject: string | undefined;
    readonly beforeOrdinal: number;
    readonly limit: number;
  }): readonly KeptSession[];
  readTurns(page: {
    readonly place: SessionPlace;
    readonly afterNumber: number;
    readonly limit: number;
    readonly bytesMax: number;
  }): readonly KeptTurn[];
};

/** Prepares the statements. */
export function createSessionReads(database: DatabaseSync): SessionReads {
  const find = database.prepare(`${selectSessions} ${ofPlace}`);
  return {
    findSession: (place) => {
      const row = find.get(...placeOf(place));
      return row && toKeptSession(row);
    },
    listSessions: prepareListSessions(database),
    readTurns: prepareReadTurns(database),
  };
}

function prepareListSessions(database: DatabaseSync): SessionReads['listSessions'] {
  const all = database.prepare(
    `${selectSessions} WHERE tenant = ? AND ordinal < ? ORDER BY ordinal DESC LIMIT ?`,
  );
  const ofSubject = database.prepare(
    `${selectSessions} WHERE tenant = ? AND subject = ? AND ordinal < ? ORDER BY ordinal DESC LIMIT ?`,
  );

  return ({ tenant, subject, beforeOrdinal, limit }) => {
    const rows =
      subject === undefined
        ? all.all(tenant, beforeOrdinal, limit)
        : ofSubject.all(tenant, subject, beforeOrdinal, limit);
    return rows.map(toKeptSession);
  };
}

function prepareReadTurns(database: DatabaseSync): SessionReads['readTurns'] {
  const last = database.prepare(`SELECT last_turn FROM session ${ofPlace}`);
  const walk = prepareWalk(database);
  const pieces = database.prepare(
    `SELECT ${payloadColumns} FROM session_piece LEFT JOIN blob ON blob.id = session_piece.blob
     WHERE turn = ? ORDER BY session_piece.id`,
  );

  return ({ place, afterNumber, limit, bytesMax }) => {
    const newestFirst = [];
    for (const turn of walk(last.get(...placeOf(place))?.['last_turn'])) {
      if (turn.number <= afterNumber) break;
      newestFirst.push(turn);
    }
    const turns: KeptTurn[] = [];
    let bytesLeft = bytesMax;
    for (const { id, number, runId } of newestFirst.toReversed().slice(0, limit)) {
      const payloads = pieces.all(id).map(readPayload);
      for (const { byteLength } of payloads) bytesLeft -= byteLength;
      if (bytesLeft < 0 && turns.length > 0) break;
      turns.push({ number, runId, pieces: payloads });
    }
    return turns;
  };
}

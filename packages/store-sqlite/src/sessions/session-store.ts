import { readPageToken } from '@modelhost/engine-embedded';
import type { RunCodec } from '@modelhost/engine-embedded';
import { HostError, plainLabels } from '@modelhost/kernel';
import type { Session, SessionDraft, SessionPlace, SessionStore } from '@modelhost/kernel';
import type { StoreThreads } from '../thread/store-threads.ts';
import { openSession, openTurn, sealAbout, sealTurn, showSession } from './sealed-session.ts';

/** Sessions in an open database, sealed by the codec on the way there. */
export function createSessionStore(threads: StoreThreads, codec: RunCodec): SessionStore {
  const { write, read } = threads;

  async function find(place: SessionPlace): Promise<Session | undefined> {
    const kept = await read('findSession', pick(place));
    return kept && showSession(codec, kept);
  }

  return {
    find,
    create: async (draft) => create({ threads, codec, find }, draft),
    list: async (tenant, { subject, pageSize, pageToken }) => {
      const beforeOrdinal =
        pageToken === undefined ? Number.MAX_SAFE_INTEGER : readPageToken(pageToken);
      const page = { tenant, subject, beforeOrdinal, limit: pageSize + 1 };
      const kept = await read('listSessions', page);
      const shown = kept.slice(0, pageSize);
      const last = kept.length > pageSize ? shown.at(-1) : undefined;
      return {
        sessions: shown.map((session) => showSession(codec, session)),
        nextPageToken: last === undefined ? undefined : String(last.ordinal),
      };
    },
    turns: async (place, page) => {
      const kept = await read('readTurns', { place: pick(place), ...page });
      return kept.map((turn) => openTurn(codec, place.tenant, turn));
    },
    hold: async (place, runId, insteadOf) => {
      const kept = await write('holdSession', { place: pick(place), runId, insteadOf });
      // No run goes on with a session of which nobody knows the labels.
      return kept && openSession(codec, kept);
    },
    release: async (place, runId) => write('releaseSession', { place: pick(place), runId }),
    append: async (place, turn) => {
      const session = await find(place);
      if (session === undefined) throw new HostError('not_found', 'the session is gone');
      const { labels, timeMs: updatedAtMs } = turn;
      const about = sealAbout(codec, place, { ...session, labels });
      const kept = sealTurn(codec, place.tenant, turn);
      const bytes = kept.pieces.reduce((sum, piece) => sum + piece.byteLength, about.byteLength);
      const change = { place: pick(place), turn: kept, updatedAtMs, about };
      const outcome = await write('appendTurn', change, { bytes });
      switch (outcome) {
        case 'appended':
          return true;
        case 'known':
          return false;
        case 'absent':
          throw new HostError('not_found', 'the session is gone');
        case 'conflict':
          throw new HostError(
            'request_conflict',
            `turn ${turn.number} is not the next of the session`,
          );
      }
    },
    delete: async (place) => {
      const outcome = await write('deleteSession', pick(place));
      if (outcome === undefined) return undefined;
      if ('turns' in outcome) return outcome.turns;
      const message = `the run ${outcome.heldBy} goes on with the session`;
      throw new HostError('failed_precondition', message);
    },
  };
}

/** Whoever asks may give a whole session; nothing else of it goes to the thread. */
function pick({ tenant, sessionId }: SessionPlace): SessionPlace {
  return { tenant, sessionId };
}

async function create(
  parts: {
    readonly threads: StoreThreads;
    readonly codec: RunCodec;
    readonly find: SessionStore['find'];
  },
  draft: SessionDraft,
): ReturnType<SessionStore['create']> {
  const { threads, codec, find } = parts;
  const { tenant, sessionId, subject, createdAtMs, branch, requestKey } = draft;
  const from = branch && (await find({ tenant, sessionId: branch.sessionId }));
  const [turn] =
    branch === undefined || branch.turn < 1
      ? []
      : await threads.read('readTurns', {
          place: { tenant, sessionId: branch.sessionId },
          afterNumber: branch.turn - 1,
          limit: 1,
          bytesMax: 1,
        });
  const labels = turn === undefined ? plainLabels : openTurn(codec, tenant, turn).labels;
  const about = sealAbout(codec, draft, { ...draft, labels });
  const outcome = await threads.write(
    'createSession',
    {
      tenant,
      sessionId,
      subject,
      createdAtMs,
      ...(branch === undefined ? {} : { branch }),
      ...(requestKey === undefined ? {} : { requestKey }),
      updatedAtMs: createdAtMs,
      rootId: from?.rootId ?? sessionId,
      about,
    },
    { bytes: about.byteLength },
  );
  if (outcome === 'absent') {
    const message = `the session to branch from has no turn ${branch?.turn}`;
    throw new HostError('not_found', message);
  }
  return { created: outcome.created, session: showSession(codec, outcome.session) };
}

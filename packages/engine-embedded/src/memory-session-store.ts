import { HostError, plainLabels } from '@modelhost/kernel';
import { readPageToken } from './page-token.ts';
import type {
  Session,
  SessionDraft,
  SessionPage,
  SessionPlace,
  SessionStore,
  SessionTurn,
} from '@modelhost/kernel';

/** Bounds of the sessions that are kept. */
export interface MemorySessionBounds {
  /** Beyond: `overloaded`. */
  readonly sessionsMax: number;
  /** Of the JSON of all turns, roughly. Beyond: `overloaded`. */
  readonly bytesMax: number;
}

const defaultBounds: MemorySessionBounds = {
  sessionsMax: 10_000,
  bytesMax: 256 * 1_024 * 1_024,
};

/** A turn with the one before it. Branches share it: it goes when nobody needs it. */
interface KeptTurn {
  readonly turn: SessionTurn;
  readonly before: KeptTurn | undefined;
  readonly bytes: number;
  /** Turns after it and sessions that end with it. */
  neededBy: number;
}

interface KeptSession {
  readonly ordinal: number;
  /** Name of the request that made it, if it has one. */
  readonly request: string | undefined;
  session: Session;
  last: KeptTurn | undefined;
}

/** What the functions below work on. */
interface Shelf {
  readonly bounds: MemorySessionBounds;
  /** In the order of their creation. */
  readonly sessions: Map<string, KeptSession>;
  /** Those of them that requests have made. */
  readonly requested: Map<string, KeptSession>;
  ordinals: number;
  bytes: number;
}

/** Sessions that live and die with this process, for tests, simulations and a host that keeps nothing on disk. */
export function createMemorySessionStore(bounds: Partial<MemorySessionBounds> = {}): SessionStore {
  const sessions = new Map<string, KeptSession>();
  const shelf: Shelf = {
    bounds: { ...defaultBounds, ...bounds },
    sessions,
    requested: new Map(),
    ordinals: 0,
    bytes: 0,
  };
  const at = (place: SessionPlace): KeptSession | undefined => sessions.get(keyOf(place));
  return {
    create: async (draft) => create(shelf, draft),
    find: async (place) => at(place)?.session,
    list: async (tenant, filter) => listSessions([...sessions.values()], tenant, filter),
    turns: async (place, page) => pageOf(chainOf(at(place)?.last), page),
    hold: async (place, runId, insteadOf) => hold(at(place), runId, insteadOf),
    release: async (place, runId) => {
      const kept = at(place);
      if (kept?.session.heldBy === runId) kept.session = letGo(kept.session);
    },
    append: async (place, turn) => append(shelf, at(place), turn),
    delete: async (place) => remove(shelf, place),
  };
}

function create(
  shelf: Shelf,
  { requestKey, ...draft }: SessionDraft,
): { created: boolean; session: Session } {
  const { sessions, requested, bounds } = shelf;
  const request = requestKey === undefined ? undefined : JSON.stringify([draft.tenant, requestKey]);
  const known = requested.get(request ?? '') ?? sessions.get(keyOf(draft));
  if (known !== undefined) return { created: false, session: known.session };
  refuseIf(sessions.size >= bounds.sessionsMax, `${sessions.size} sessions are kept already`);
  const { tenant, branch } = draft;
  const from = branch && sessions.get(keyOf({ tenant, sessionId: branch.sessionId }));
  const last = branch && findTurn(from, branch.turn);
  const session = {
    ...structuredClone(draft),
    updatedAtMs: draft.createdAtMs,
    turns: last?.turn.number ?? 0,
    labels: last?.turn.labels ?? plainLabels,
    rootId: from?.session.rootId ?? draft.sessionId,
  };
  shelf.ordinals += 1;
  if (last !== undefined) last.neededBy += 1;
  const kept = { ordinal: shelf.ordinals, request, session, last };
  sessions.set(keyOf(draft), kept);
  if (request !== undefined) requested.set(request, kept);
  return { created: true, session };
}

function hold(
  kept: KeptSession | undefined,
  runId: string,
  insteadOf: string | undefined,
): Session | undefined {
  if (kept === undefined) return undefined;
  const { heldBy } = kept.session;
  if (heldBy === undefined || heldBy === insteadOf) {
    kept.session = { ...kept.session, heldBy: runId };
  }
  return kept.session;
}

function append(shelf: Shelf, kept: KeptSession | undefined, given: SessionTurn): boolean {
  if (kept === undefined) throw new HostError('not_found', 'the session is gone');
  const { session, last } = kept;
  if (chainOf(last).some(({ turn }) => turn.runId === given.runId)) return false;
  if (session.heldBy !== given.runId || given.number !== session.turns + 1) {
    throw new HostError('request_conflict', `turn ${given.number} is not the next of the session`);
  }
  const bytes = Buffer.byteLength(JSON.stringify(given));
  refuseIf(shelf.bytes + bytes > shelf.bounds.bytesMax, 'sessions take all the memory they may');
  shelf.bytes += bytes;
  // The one before is needed by this turn now, and by the session no longer.
  kept.last = { turn: structuredClone(given), before: last, bytes, neededBy: 1 };
  const { number: turns, labels, timeMs: updatedAtMs } = kept.last.turn;
  kept.session = { ...letGo(session), turns, labels, updatedAtMs };
  return true;
}

function remove(shelf: Shelf, place: SessionPlace): number | undefined {
  const kept = shelf.sessions.get(keyOf(place));
  if (kept === undefined) return undefined;
  const { heldBy } = kept.session;
  if (heldBy !== undefined) {
    throw new HostError('failed_precondition', `the run ${heldBy} goes on with the session`);
  }
  shelf.sessions.delete(keyOf(place));
  if (kept.request !== undefined) shelf.requested.delete(kept.request);
  let gone = 0;
  for (const turn of chainOf(kept.last)) {
    turn.neededBy -= 1;
    if (turn.neededBy > 0) break;
    gone += 1;
    shelf.bytes -= turn.bytes;
  }
  return gone;
}

function keyOf({ tenant, sessionId }: SessionPlace): string {
  return JSON.stringify([tenant, sessionId]);
}

function refuseIf(isFull: boolean, message: string): void {
  if (isFull) throw new HostError('overloaded', message, { retryAfterMs: 60_000 });
}

function letGo({ heldBy: _heldBy, ...session }: Session): Session {
  return session;
}

/** The turn that a branch begins with; undefined for the place before the first one. */
function findTurn(from: KeptSession | undefined, number: number): KeptTurn | undefined {
  const found = chainOf(from?.last).find(({ turn }) => turn.number === number);
  if (from === undefined || (found === undefined && number !== 0)) {
    throw new HostError('not_found', `the session to branch from has no turn ${number}`);
  }
  return found;
}

/** The newest first. */
function chainOf(last: KeptTurn | undefined): readonly KeptTurn[] {
  const chain: KeptTurn[] = [];
  for (let at = last; at !== undefined; at = at.before) chain.push(at);
  return chain;
}

function pageOf(
  newestFirst: readonly KeptTurn[],
  page: { readonly afterNumber: number; readonly limit: number; readonly bytesMax: number },
): readonly SessionTurn[] {
  const turns: SessionTurn[] = [];
  let bytesLeft = page.bytesMax;
  for (const { turn, bytes } of newestFirst.toReversed()) {
    if (turn.number <= page.afterNumber) continue;
    bytesLeft -= bytes;
    if (turns.length >= page.limit || (bytesLeft < 0 && turns.length > 0)) break;
    turns.push(turn);
  }
  return turns;
}

/** The token is the place of the page's last session in the order of creation. */
function listSessions(
  oldestFirst: readonly KeptSession[],
  tenant: string,
  filter: { readonly subject?: string; readonly pageSize: number; readonly pageToken?: string },
): SessionPage {
  const { subject, pageSize, pageToken } = filter;
  const before = pageToken === undefined ? Infinity : readPageToken(pageToken);
  const matching = oldestFirst
    .filter(
      ({ ordinal, session }) =>
        ordinal < before &&
        session.tenant === tenant &&
        (subject === undefined || session.subject === subject),
    )
    .toReversed();
  const page = matching.slice(0, pageSize);
  const last = matching.length > pageSize ? page.at(-1) : undefined;
  return {
    sessions: page.map(({ session }) => session),
    nextPageToken: last === undefined ? undefined : String(last.ordinal),
  };
}

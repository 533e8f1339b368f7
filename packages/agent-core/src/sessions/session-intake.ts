import { HostError, toErrorData } from '@modelhost/kernel';
import type {
  Clock,
  EventLog,
  Json,
  Message,
  Principal,
  RunEngine,
  RunSession,
  Session,
  SessionPlace,
  SessionStore,
  SessionTurn,
} from '@modelhost/kernel';
import { busyError } from './busy.ts';
import { createLines } from './lines.ts';

/** What a run of a session starts with. */
export interface SessionStart {
  readonly history: readonly Message[];
  readonly session: RunSession;
  /** What stands behind the placeholders in the history, in one list. Null for none. */
  readonly placeholders: Json;
}

/** A run that wants to go on with a session. */
export interface SessionWish {
  readonly principal: Principal;
  readonly sessionId: string;
  readonly runId: string;
  /** Whoever aborts waits no longer. */
  readonly signal: AbortSignal;
  /** How long whoever asks waits for an answer at most. */
  readonly timeoutMs: number;
}

/** The way of runs into their sessions. */
export interface SessionIntake {
  /**
   * Waits until no other run goes on with the session, holds it for this one and starts it; `start` gets nothing when the same run was
   * started meanwhile. When the start fails, the session is free again; else the run itself lets it go with its turn. Throws `not_found`
   * for a session that is not there, `overloaded` where too many wait or the wait takes most of the time that there is for an answer,
   * with the run that goes on with the session, and `failed_precondition` for one that has grown too long. Whose it is was checked.
   */
  start<Result>(
    wish: SessionWish,
    start: (start: SessionStart | undefined) => Promise<Result>,
  ): Promise<Result>;
  /** The run that goes on with the session now: one that is over, or was never started, does not. */
  holderOf(session: Session): Promise<string | undefined>;
  /** Deletes it, and gives how many turns are gone. Throws `failed_precondition` while a run goes on with it, and `not_found`. */
  remove(session: Session): Promise<number>;
}

/** What the intake works with. */
export interface SessionIntakeOptions {
  readonly sessions: SessionStore;
  readonly engine: Pick<RunEngine, 'status'> & EventLog;
  readonly clock: Pick<Clock, 'setTimer'>;
}

/** Whoever waits shall hear why it was in vain while there is time for it. */
const waitShare = 0.8;

/** Whoever is at its turn, with the session unless its run was started meanwhile. */
interface TakenIn {
  readonly session: Session | undefined;
  readonly leave: () => void;
}

const bounds = { waitingMax: 16, waitingInAllMax: 1_024 };
/** A run journals its history, so it has to fit there with all the rest. */
const turnsMax = 1_000;
const historyBytesMax = 4 * 1_024 * 1_024;

/** Runs of one session start one after the other, in the order in which they came. */
export function createSessionIntake(options: SessionIntakeOptions): SessionIntake {
  const { sessions, engine, clock } = options;
  const lines = createLines(bounds);

  async function hold({ principal, sessionId, runId, signal }: SessionWish): Promise<Session> {
    const place = { tenant: principal.tenant, sessionId };
    let over: string | undefined;
    for (;;) {
      signal.throwIfAborted();
      const session = await sessions.hold(place, runId, over);
      if (session?.heldBy === undefined) throw absentSession(sessionId);
      if (session.heldBy === runId) return session;
      // It may hold the session still: a run whose turn could not be kept, or whose start a crash has cut off.
      over = session.heldBy;
      await ended(engine, principal.tenant, over, signal);
    }
  }

  /** Waits until nobody else goes on with the session, no longer than there is time. Gives the way out, too. */
  async function takeIn(wish: SessionWish): Promise<TakenIn> {
    const { principal, sessionId, runId, timeoutMs } = wish;
    const place = { tenant: principal.tenant, sessionId };
    const over = new AbortController();
    const cancel = clock.setTimer(Math.floor(timeoutMs * waitShare), () => over.abort());
    const signal = AbortSignal.any([wish.signal, over.signal]);
    let leave: (() => void) | undefined;
    try {
      leave = await lines.enter(lineOf(place), signal);
      // The same request may have come twice, and waited twice.
      const isStarted = (await engine.status(place.tenant, runId)) !== undefined;
      return { leave, session: isStarted ? undefined : await hold({ ...wish, signal }) };
    } catch (thrown) {
      leave?.();
      wish.signal.throwIfAborted();
      // The line was too long for one more.
      const isFull = leave === undefined && toErrorData(thrown).code === 'overloaded';
      throw isFull || over.signal.aborted ? await busyError({ sessions, engine }, place) : thrown;
    } finally {
      cancel();
    }
  }

  async function start<Result>(
    wish: SessionWish,
    work: (start: SessionStart | undefined) => Promise<Result>,
  ): Promise<Result> {
    const { principal, sessionId, runId } = wish;
    const place = { tenant: principal.tenant, sessionId };
    const { session, leave } = await takeIn(wish);
    try {
      if (session === undefined) return await work(undefined);
      try {
        return await work(await readStart(sessions, place, session));
      } catch (thrown) {
        await sessions.release(place, runId);
        throw thrown;
      }
    } finally {
      leave();
    }
  }

  async function holderOf(session: Session): Promise<string | undefined> {
    const { heldBy, tenant } = session;
    if (heldBy === undefined) return undefined;
    // Whoever is in the line may hold it before its run is there, and may come back to it meanwhile.
    const isStarting = (): boolean => lines.isUsed(lineOf(session));
    const wasStarting = isStarting();
    const status = await engine.status(tenant, heldBy);
    const isOver =
      status === undefined ? !wasStarting && !isStarting() : status.state === 'finished';
    return isOver ? undefined : heldBy;
  }

  return {
    start,
    holderOf,
    remove: async (session) => remove(sessions, session, await holderOf(session)),
  };
}

async function remove(
  sessions: SessionStore,
  session: Session,
  holder: string | undefined,
): Promise<number> {
  if (holder !== undefined) {
    const message = `the run ${holder} goes on with the session; cancel it, or wait for its end`;
    throw new HostError('failed_precondition', message, { facts: { run_id: holder } });
  }
  if (session.heldBy !== undefined) await sessions.release(session, session.heldBy);
  const turns = await sessions.delete(session);
  if (turns === undefined) throw absentSession(session.sessionId);
  return turns;
}

/** Of a session that is not there, or not for whoever asks. */
export function absentSession(sessionId: string): HostError {
  return new HostError('not_found', `there is no session ${sessionId}`);
}

function lineOf({ tenant, sessionId }: SessionPlace): string {
  return JSON.stringify([tenant, sessionId]);
}

/** Resolves once the run is finished, or was never started. */
async function ended(
  engine: SessionIntakeOptions['engine'],
  tenant: string,
  runId: string,
  signal: AbortSignal,
): Promise<void> {
  const status = await engine.status(tenant, runId);
  if (status === undefined || status.state === 'finished') return;
  const events = engine.follow(tenant, runId, { afterSequence: status.lastSequence, signal });
  for await (const { body } of events) if (body.type === 'run-finished') return;
}

async function readStart(
  sessions: SessionStore,
  place: SessionPlace,
  { turns: count, sessionId, rootId, labels }: Session,
): Promise<SessionStart> {
  if (count >= turnsMax) throw tooLong(`${count} turns`);
  const turns: SessionTurn[] = [];
  let bytes = 0;
  while (turns.length < count) {
    const page = { afterNumber: turns.length, limit: 100, bytesMax: historyBytesMax };
    const read = await sessions.turns(place, page);
    if (read.length === 0) throw new HostError('internal', `turns of ${sessionId} are missing`);
    for (const turn of read) bytes += Buffer.byteLength(JSON.stringify(turn.messages));
    if (bytes > historyBytesMax) throw tooLong(`more than ${historyBytesMax} bytes`);
    turns.push(...read);
  }
  const { summary } = turns.at(-1) ?? {};
  return {
    history: turns.flatMap(({ messages }) => messages),
    session: { sessionId, rootId, labels, turn: count + 1, ...(summary && { summary }) },
    // The newest turn knows those of all before it.
    placeholders: turns.at(-1)?.placeholders ?? null,
  };
}

function tooLong(size: string): HostError {
  return new HostError(
    'failed_precondition',
    `the session has ${size}, too much for a run to go on with; branch it at an earlier turn, or begin a new one`,
  );
}

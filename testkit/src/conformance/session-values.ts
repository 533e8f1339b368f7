import { plainLabels, noStatistics, toErrorData } from '@modelhost/kernel';
import type {
  Session,
  SessionDraft,
  SessionPlace,
  SessionStore,
  SessionTurn,
} from '@modelhost/kernel';

/** What one test does with an empty store, by the sentence that it proves. */
export type SessionRules = Readonly<Record<string, (store: SessionStore) => Promise<void>>>;

/** A place in the tenant that most tests are about. */
export function placeOf(sessionId: string, tenant = 'acme'): SessionPlace {
  return { tenant, sessionId };
}

/** A small session; what a test cares about it gives in `changes`. */
export function draftOf(sessionId: string, changes: Partial<SessionDraft> = {}): SessionDraft {
  return {
    ...placeOf(sessionId),
    subject: 'ann',
    title: `title of ${sessionId}`,
    metadata: { kind: 'test' },
    createdAtMs: 1_000,
    ...changes,
  };
}

/** A turn whose every word tells the run it comes from. */
export function turnOf(
  number: number,
  runId: string,
  changes: Partial<SessionTurn> = {},
): SessionTurn {
  return {
    number,
    runId,
    agent: 'tester',
    agentVersion: '1',
    reason: 'completed',
    timeMs: 1_000 + number,
    messages: [
      { role: 'user', content: [{ type: 'text', text: `question of ${runId}` }] },
      { role: 'assistant', content: `answer of ${runId}`, toolCalls: [] },
    ],
    statistics: { ...noStatistics, modelCalls: number },
    labels: { ...plainLabels, sources: [`source-${number}`] },
    placeholders: null,
    summary: { text: `summary for ${runId}`, messages: number },
    ...changes,
  };
}

/** Holds the session for the run and adds its turn. */
export async function addTurn(
  store: SessionStore,
  place: SessionPlace,
  runId: string,
): Promise<SessionTurn> {
  const session = await store.hold(place, runId);
  const turn = turnOf((session?.turns ?? 0) + 1, runId);
  await store.append(place, turn);
  return turn;
}

/** All turns of a session. */
export async function allTurns(
  store: SessionStore,
  place: SessionPlace,
): Promise<readonly SessionTurn[]> {
  return store.turns(place, { afterNumber: 0, limit: 1_000, bytesMax: 100_000_000 });
}

/** The runs that left a turn, in their order. */
export async function runsOf(store: SessionStore, place: SessionPlace): Promise<readonly string[]> {
  return (await allTurns(store, place)).map(({ runId }) => runId);
}

/** A session that must be there. */
export async function sessionAt(store: SessionStore, place: SessionPlace): Promise<Session> {
  const session = await store.find(place);
  if (session === undefined) throw new Error(`there is no session ${place.sessionId}`);
  return session;
}

/** Code of the error of work that must fail. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (thrown) {
    return toErrorData(thrown).code;
  }
  throw new Error('it must fail, and it did not');
}

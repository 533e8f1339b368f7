import { createMemorySessionStore } from '@modelhost/engine-embedded';
import { plainLabels } from '@modelhost/kernel';
import type {
  DataLabels,
  Message,
  RunInput,
  Session,
  SessionDraft,
  SessionStore,
  SessionTurn,
} from '@modelhost/kernel';
import type { Facts } from './facts.ts';

/** What is kept of conversations, and beside it what should be: it believes neither store nor intake nor loop. */
export interface Conversations {
  /** The store, seen through. */
  readonly store: SessionStore;
  /** Notes that a run is durable, with its input. */
  began(input: RunInput): void;
  /** Notes that the end of a run is durable. */
  ended(runId: string): void;
  /** What a run was given of its session; undefined for a run of none. */
  givenTo(runId: string): Given | undefined;
  /** By id, those that were deleted as well. */
  readonly talks: ReadonlyMap<string, Talk>;
}

/** A conversation as it should be. */
export interface Talk {
  readonly rootId: string;
  readonly turns: readonly SessionTurn[];
  readonly isDeleted: boolean;
}

/** What a run goes on with. */
export interface Given {
  readonly history: readonly Message[];
  readonly labels: DataLabels;
  readonly hasSummary: boolean;
}

interface KeptTalk extends Talk {
  readonly turns: SessionTurn[];
  readonly requestKey: string | undefined;
  holder: string | undefined;
  isDeleted: boolean;
}

/** Starts with none. */
export function watchConversations({ violate }: Pick<Facts, 'violate'>): Conversations {
  const kept = createMemorySessionStore();
  const given = new Map<string, Given>();
  const model = createModel(violate);
  const { talks, writing } = model;

  function began(input: RunInput): void {
    const { session, runId, history } = input;
    if (session === undefined) return;
    const { sessionId, labels, summary, turn } = session;
    const talk = talks.get(sessionId);
    given.set(runId, { history, labels, hasSummary: summary !== undefined });
    // A fork has the history from the run that it goes on from, whatever became of the session.
    if (turn === undefined) return;
    if (talk?.isDeleted !== false) violate('S5', `${runId} begins in a session that is gone`);
    writing.set(runId, sessionId);
    if (talk?.holder !== runId) violate('S1', `${runId} begins in a session that it has not`);
    checkGiven(input, talk, violate);
  }

  return {
    talks,
    givenTo: (runId) => given.get(runId),
    began,
    ended: (runId) => writing.delete(runId),
    store: {
      ...kept,
      create: async (draft) => {
        const opened = await kept.create(draft);
        model.open(draft, opened.session, opened.created);
        return opened;
      },
      hold: async (place, runId, insteadOf) => {
        const session = await kept.hold(place, runId, insteadOf);
        model.passOn(talks.get(place.sessionId), session?.heldBy);
        return session;
      },
      release: async (place, runId) => {
        await kept.release(place, runId);
        model.passOn(talks.get(place.sessionId), (await kept.find(place))?.heldBy);
      },
      append: async (place, turn) => {
        const isAdded = await kept.append(place, turn);
        if (isAdded) model.add(talks.get(place.sessionId), turn);
        return isAdded;
      },
      delete: async (place) => {
        const gone = await kept.delete(place);
        if (gone !== undefined) model.remove(place.sessionId, gone);
        return gone;
      },
    },
  };
}

/** Conversations in the plainest way, and what may become of them. */
interface Model {
  readonly talks: Map<string, KeptTalk>;
  /** Runs that have neither left their turn nor ended, and their sessions. */
  readonly writing: Map<string, string>;
  passOn(talk: KeptTalk | undefined, to: string | undefined): void;
  open(draft: SessionDraft, session: Session, isNew: boolean): void;
  add(talk: KeptTalk | undefined, turn: SessionTurn): void;
  remove(sessionId: string, turnsGone: number): void;
}

function createModel(violate: Facts['violate']): Model {
  const talks = new Map<string, KeptTalk>();
  const writing = new Map<string, string>();

  /** S1: nobody loses a session that still writes. */
  function passOn(talk: KeptTalk | undefined, to: string | undefined): void {
    if (talk === undefined) return;
    const { holder } = talk;
    if (holder !== undefined && holder !== to && writing.has(holder)) {
      violate('S1', `${to ?? 'nobody'} has a session in which ${holder} writes`);
    }
    talk.holder = to;
  }

  /** S5: whoever asks for a session gets the one of that request, or one that was never there. */
  function open({ requestKey, branch }: SessionDraft, session: Session, isNew: boolean): void {
    const { sessionId } = session;
    const known = talks.get(sessionId);
    const from = branch === undefined ? undefined : talks.get(branch.sessionId);
    const isFresh = isNew
      ? known === undefined && from?.isDeleted !== true
      : known?.isDeleted === false && known.requestKey === requestKey;
    if (!isFresh) violate('S5', `${sessionId} comes back`);
    if (!isNew) return;
    talks.set(sessionId, {
      rootId: from?.rootId ?? sessionId,
      turns: from?.turns.slice(0, branch?.turn) ?? [],
      requestKey,
      holder: undefined,
      isDeleted: false,
    });
  }

  /** S3: a turn is the next one of the conversation that its run holds, and is not there yet. */
  function add(talk: KeptTalk | undefined, turn: SessionTurn): void {
    const { runId, number } = turn;
    const isNext =
      talk !== undefined &&
      !talk.isDeleted &&
      talk.holder === runId &&
      number === talk.turns.length + 1 &&
      !talk.turns.some((other) => other.runId === runId);
    if (!isNext) violate('S3', `${runId} adds turn ${number}, which is not the next one`);
    talk?.turns.push(turn);
    writing.delete(runId);
    passOn(talk, undefined);
  }

  /** S5: what is deleted is what nobody else needs, and nobody writes there. */
  function remove(sessionId: string, turnsGone: number): void {
    const talk = talks.get(sessionId);
    if (talk === undefined || talk.isDeleted) return violate('S5', `${sessionId} is deleted twice`);
    if ([...writing.values()].includes(sessionId)) violate('S5', `${sessionId} is deleted in use`);
    passOn(talk, undefined);
    talk.isDeleted = true;
    const others = [...talks.values()].filter(({ isDeleted }) => !isDeleted);
    const left = new Set(others.flatMap(({ turns }) => turns));
    const gone = talk.turns.filter((turn) => !left.has(turn)).length;
    if (gone !== turnsGone) violate('S5', `of ${sessionId} ${turnsGone} turns go, not ${gone}`);
  }

  return { talks, writing, passOn, open, add, remove };
}

/** S4: a run is given exactly the turns that there are, and what the newest of them knows. */
function checkGiven(
  { runId, history, session, placeholders = null }: RunInput,
  talk: Talk | undefined,
  violate: Facts['violate'],
): void {
  if (talk === undefined || session === undefined) return;
  const last = talk.turns.at(-1);
  const expected = [
    talk.turns.flatMap(({ messages }) => messages),
    talk.rootId,
    talk.turns.length + 1,
    last?.labels ?? plainLabels,
    last?.placeholders ?? null,
    last?.summary ?? null,
  ];
  const { rootId, turn, labels, summary = null } = session;
  const found = [history, rootId, turn, labels, placeholders, summary];
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    violate('S4', `${runId} is given something else than its session has`);
  }
}

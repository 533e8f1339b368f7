import type { Json } from '../json.ts';
import type { Message, Principal, RunEnding, RunSession, RunStatistics } from '../run.ts';
import type { RunPage, RunStatus } from './run-engine.ts';

/** What one run added to a session. It never changes. */
export interface SessionTurn extends Pick<RunStatus, 'runId' | 'agent' | 'agentVersion'> {
  /** From 1, contiguous in the session. */
  readonly number: number;
  readonly reason: RunEnding['reason'];
  readonly timeMs: number;
  /** The input first. Every call has its answer, so that they can be sent to a model as they are. */
  readonly messages: readonly Message[];
  readonly statistics: RunStatistics;
  /** Of all that the model had seen at its end. */
  readonly labels: RunSession['labels'];
  /** What stands behind the placeholders that were known at its end (`StepRedactor.state`), in one list. Null for none. */
  readonly placeholders: Json;
  readonly summary?: RunSession['summary'];
}

/** A session of a tenant. */
export type SessionPlace = Pick<Principal, 'tenant'> & Pick<RunSession, 'sessionId'>;

/** A conversation. */
export interface Session extends SessionPlace, Pick<RunStatus, 'metadata' | 'createdAtMs'> {
  /** Whose it is. */
  readonly subject: string;
  readonly title: string;
  /** Of its newest turn of its own, or of its creation. */
  readonly updatedAtMs: number;
  readonly turns: number;
  /** Of its newest turn: they never get cleaner. */
  readonly labels: RunSession['labels'];
  /** Session at the root of its branches, or itself: all of them share what placeholders stand for. */
  readonly rootId: string;
  /** Where it was branched from, whatever became of that. */
  readonly branch?: { readonly sessionId: string; readonly turn: number };
  /** The one run that may add a turn now. */
  readonly heldBy?: string;
}

/** What a session is made with. `requestKey` stands for the request that makes it, as long as the session is there. */
export type SessionDraft = { readonly requestKey?: string } & SessionPlace &
  Pick<Session, 'subject' | 'title' | 'metadata' | 'createdAtMs' | 'branch'>;

/** A page of sessions. */
export type SessionPage = Pick<RunPage, 'nextPageToken'> & {
  readonly sessions: readonly Session[];
};

/** Conversations and their turns. What resolves is durable; what cannot be done rejects with `storage_unavailable`. */
export interface SessionStore {
  /**
   * Does nothing when the id or the request key is known in the tenant, and gives what is there. A branch begins with the turns up to
   * its own of another session; throws `not_found` when that is gone or has no such turn.
   */
  create(draft: SessionDraft): Promise<{ readonly created: boolean; readonly session: Session }>;
  find(place: SessionPlace): Promise<Session | undefined>;
  /** Those created last first; of one subject, or of all. */
  list(
    tenant: string,
    filter: { readonly subject?: string; readonly pageSize: number; readonly pageToken?: string },
  ): Promise<SessionPage>;
  /** In their order: as many as fit in about `bytesMax`, and one at least. None for a session that is not there. */
  turns(
    place: SessionPlace,
    page: { readonly afterNumber: number; readonly limit: number; readonly bytesMax: number },
  ): Promise<readonly SessionTurn[]>;
  /**
   * Makes the run the one that may add a turn, unless another one is; `insteadOf`: one that is known to be over. The answer tells who is.
   * Undefined when the session is not there.
   */
  hold(place: SessionPlace, runId: string, insteadOf?: string): Promise<Session | undefined>;
  /** Lets the session go without a turn, if this run holds it. */
  release(place: SessionPlace, runId: string): Promise<void>;
  /**
   * Adds the turn of the run that holds the session, and lets it go. False when its turn is there already. Throws `request_conflict` when
   * another run holds it or the number is not the next one, and `not_found` when it is gone.
   */
  append(place: SessionPlace, turn: SessionTurn): Promise<boolean>;
  /**
   * How many turns are gone, those that branches begin with not among them; undefined when it is not there. Throws `failed_precondition`
   * while a run holds it.
   */
  delete(place: SessionPlace): Promise<number | undefined>;
}

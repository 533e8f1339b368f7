import type { MessageInitShape } from '@bufbuild/protobuf';
import { SessionService } from '@modelhost/contracts';
import type {
  BranchSessionRequestSchema,
  BranchSessionResponse,
  CreateSessionRequestSchema,
  CreateSessionResponse,
  ListSessionsResponse,
  ListTurnsResponse,
  Session,
} from '@modelhost/contracts';
import { missingError } from './error.ts';
import { callUnary, openStream, readAnswers } from './method.ts';
import type { Caller } from './method.ts';

/** What a session is made with; all of it may be left out. */
export type SessionInit = MessageInitShape<typeof CreateSessionRequestSchema>;
/** Which session a branch begins with, and what it is made with; without a turn, all that there are. */
export type BranchInit = MessageInitShape<typeof BranchSessionRequestSchema>;

export interface ListSessionsOptions {
  readonly pageSize?: number;
  readonly pageToken?: string;
  /** Those of everybody in the tenant. */
  readonly allSubjects?: boolean;
}

export interface ListTurnsOptions {
  readonly pageSize?: number;
  readonly pageToken?: string;
}

/** Conversations that the host keeps; a run goes on with one by its `sessionId`. */
export interface SessionMethods {
  createSession(session?: SessionInit): Promise<CreateSessionResponse>;
  getSession(sessionId: string): Promise<Session>;
  listSessions(options?: ListSessionsOptions): Promise<ListSessionsResponse>;
  listTurns(sessionId: string, options?: ListTurnsOptions): Promise<ListTurnsResponse>;
  branchSession(branch: BranchInit): Promise<BranchSessionResponse>;
  /** The pieces of one JSON document in UTF-8. It ends with an error where the document is not whole. */
  exportSession(
    sessionId: string,
    options?: { readonly signal?: AbortSignal },
  ): AsyncIterable<Uint8Array>;
  /** Gives how many turns are gone: those that branches begin with are not. */
  deleteSession(sessionId: string): Promise<number>;
}

/** The methods of sessions over one connection. */
export function createSessionMethods(caller: Caller): SessionMethods {
  const { method } = SessionService;

  async function* exportSession(
    sessionId: string,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array, void> {
    const open = () => openStream(caller, method.exportSession, { sessionId });
    for await (const { chunk } of readAnswers(open, signal)) yield chunk;
  }

  return {
    createSession: async (session = {}) => callUnary(caller, method.createSession, session),
    getSession: async (sessionId) => {
      const { session } = await callUnary(caller, method.getSession, { sessionId });
      if (session === undefined) throw missingError('session');
      return session;
    },
    listSessions: async (page = {}) => callUnary(caller, method.listSessions, page),
    listTurns: async (sessionId, page = {}) =>
      callUnary(caller, method.listTurns, { sessionId, ...page }),
    branchSession: async (branch) => callUnary(caller, method.branchSession, branch),
    exportSession,
    deleteSession: async (sessionId) =>
      (await callUnary(caller, method.deleteSession, { sessionId })).turnsDeleted,
  };
}

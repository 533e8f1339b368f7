import { createHash } from 'node:crypto';
import type { SessionIntake } from '@modelhost/agent-core';
import type { SessionService } from '@modelhost/contracts';
import { canonicalJson, HostError } from '@modelhost/kernel';
import type {
  AuditLog,
  Clock,
  Ids,
  Principal,
  Redactor,
  Session,
  SessionDraft,
  SessionStore,
} from '@modelhost/kernel';
import { toBase36 } from '../clock.ts';
import { findSession } from '../sessions/find-session.ts';
import { exportSession } from './export-session.ts';
import { createFieldReader, refuseIfAny } from './field-reader.ts';
import type { FieldReader } from './field-reader.ts';
import { readId } from './find-run.ts';
import { onRecord } from './on-record.ts';
import { readMetadata, readRequestId } from './read-labels.ts';
import { isReader, readerRoles } from './reader-roles.ts';
import type { Handlers } from './service.ts';
import { toSessionMessage, toTurnMessage } from './session-message.ts';

/** What the service works with. */
export interface SessionServiceOptions {
  readonly sessions: SessionStore;
  readonly intake: Pick<SessionIntake, 'holderOf' | 'remove'>;
  readonly audit: AuditLog;
  readonly redactor: Pick<Redactor, 'redact'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly ids: Ids;
}

type Service = Handlers<typeof SessionService>;

const titleLengthMax = 256;
const pageSizeUsual = 50;
const pageSizeMax = 200;
const turnsUsual = 20;
const turnsMax = 100;
const turnsBytesMax = 4 * 1_024 * 1_024;

/** Conversations as the contract shows them. */
export function createSessionService(options: SessionServiceOptions): Service {
  const { sessions, intake, audit } = options;

  async function find(
    { principal }: { readonly principal: Principal },
    sessionId: string,
    wish: 'read' | 'own' | 'delete',
  ): Promise<Session> {
    const reader = createFieldReader();
    readId(reader, 'session_id', sessionId);
    refuseIfAny(reader);
    return findSession(sessions, principal, sessionId, wish);
  }

  return {
    createSession: async (request, { principal }) => {
      const reader = createFieldReader();
      const draft = readDraft(options, reader, principal, request);
      refuseIfAny(reader);
      return openSession(sessions, draft, undefined);
    },
    getSession: async ({ sessionId }, call) => ({
      session: await show(intake, await find(call, sessionId, 'read')),
    }),
    listSessions: async (request, { principal }) => listSessions(options, principal, request),
    listTurns: async (request, call) => {
      const { sessionId, pageSize, pageToken } = request;
      const reader = createFieldReader();
      reader.number('page_size', pageSize, { min: 0, max: turnsMax });
      if (!/^\d{0,9}$/.test(pageToken)) reader.refuse('page_token', noToken);
      refuseIfAny(reader);
      const session = await find(call, sessionId, 'read');
      const limit = pageSize === 0 ? turnsUsual : pageSize;
      const page = { afterNumber: Number(pageToken), limit, bytesMax: turnsBytesMax };
      const turns = await sessions.turns(session, page);
      const last = turns.at(-1)?.number ?? session.turns;
      const nextPageToken = last < session.turns ? String(last) : '';
      return { turns: turns.map(toTurnMessage), nextPageToken };
    },
    branchSession: async (request, call) => {
      const { sessionId, turn } = request;
      const reader = createFieldReader();
      readId(reader, 'session_id', sessionId);
      reader.number('turn', turn, { min: 0, max: 2 ** 31 - 1 });
      const draft = readDraft(options, reader, call.principal, request);
      refuseIfAny(reader);
      const from = await find(call, sessionId, 'own');
      return openSession(sessions, branchOf(from, turn, draft), { sessionId, turn });
    },
    exportSession: async function* exportOne({ sessionId }, call) {
      const session = await find(call, sessionId, 'read');
      const { tenant, subject: actor } = call.principal;
      const facts = { action: 'export', sessionId, turns: session.turns };
      await audit.append({ kind: 'session', tenant, runId: '', step: '', actor, facts });
      yield* exportSession(sessions, session);
    },
    deleteSession: async ({ sessionId }, call) => {
      const session = await find(call, sessionId, 'delete');
      const turnsDeleted = await onRecord(audit, {
        kind: 'session',
        principal: call.principal,
        about: { action: 'delete', sessionId },
        intent: { turns: session.turns },
        work: async () => intake.remove(session),
        outcomeOf: (turns) => ({ outcome: 'deleted', turnsDeleted: turns }),
      });
      return { turnsDeleted };
    },
  };
}

const noToken = 'must be the next_page_token of a page';

/** Throws `request_conflict` where the request id has made something else than what is asked for now. */
async function openSession(
  sessions: Pick<SessionStore, 'create'>,
  draft: SessionDraft,
  asked: Session['branch'],
): Promise<{ created: boolean; session: ReturnType<typeof toSessionMessage> }> {
  const { created, session } = await sessions.create(draft);
  const { sessionId, branch } = session;
  // All the turns that there were then may be fewer than there are now.
  const turn = asked?.turn === 0 ? branch?.turn : asked?.turn;
  if (branch?.sessionId !== asked?.sessionId || branch?.turn !== turn) {
    const made = branch === undefined ? 'a session' : `a branch after turn ${branch.turn}`;
    const message = `this request id has made ${made} (${sessionId}); take another id for another session`;
    throw new HostError('request_conflict', message, { facts: { session_id: sessionId } });
  }
  return { created, session: toSessionMessage(session) };
}

async function show(
  intake: SessionServiceOptions['intake'],
  session: Session,
): Promise<ReturnType<typeof toSessionMessage>> {
  return { ...toSessionMessage(session), runId: (await intake.holderOf(session)) ?? '' };
}

function readDraft(
  { clock, ids, redactor }: SessionServiceOptions,
  reader: FieldReader,
  { tenant, subject }: Principal,
  given: {
    readonly requestId: string;
    readonly title: string;
    readonly metadata: Readonly<Record<string, string>>;
  },
): SessionDraft {
  readRequestId(reader, 'request_id', given.requestId);
  const title = reader.text('title', given.title, { min: 0, max: titleLengthMax });
  const metadata = readMetadata(reader, 'metadata', given.metadata);
  return {
    tenant,
    // Never made from the request: a session that was deleted must not come back as another one.
    sessionId: ids.create('ses'),
    ...requestKeyOf([tenant, subject, given.requestId]),
    subject,
    title: redactor.redact(title),
    metadata: Object.fromEntries(
      Object.entries(metadata).map(([name, value]) => [
        redactor.redact(name),
        redactor.redact(value),
      ]),
    ),
    createdAtMs: clock.now(),
  };
}

/** The same for the same request of the same caller. Sessions of hosts that made ids from requests are known by those. */
function requestKeyOf(
  request: readonly [tenant: string, subject: string, requestId: string],
): Pick<SessionDraft, 'requestKey'> {
  if (request[2] === '') return {};
  const digest = createHash('sha256')
    .update(canonicalJson(['session', ...request]))
    .digest();
  return { requestKey: `ses_${toBase36(digest)}` };
}

async function listSessions(
  { sessions, intake }: SessionServiceOptions,
  principal: Principal,
  request: Parameters<Service['listSessions']>[0],
): Promise<Awaited<ReturnType<Service['listSessions']>>> {
  const { pageSize, pageToken, allSubjects } = request;
  const reader = createFieldReader();
  reader.number('page_size', pageSize, { min: 0, max: pageSizeMax });
  reader.text('page_token', pageToken, { min: 0, max: 256 });
  refuseIfAny(reader);
  if (allSubjects && !isReader(principal)) {
    throw new HostError(
      'permission_denied',
      `the sessions of others need one of the roles ${readerRoles.join(', ')}`,
    );
  }
  const page = await sessions.list(principal.tenant, {
    ...(allSubjects ? {} : { subject: principal.subject }),
    pageSize: pageSize === 0 ? pageSizeUsual : pageSize,
    ...(pageToken === '' ? {} : { pageToken }),
  });
  return {
    sessions: await Promise.all(page.sessions.map(async (session) => show(intake, session))),
    nextPageToken: page.nextPageToken ?? '',
  };
}

function branchOf(from: Session, turn: number, draft: SessionDraft): SessionDraft {
  if (turn > from.turns) {
    const message = `the session has ${from.turns} turns; name one of them, or 0 for all`;
    throw new HostError('failed_precondition', message, { facts: { turns: String(from.turns) } });
  }
  const branch = { sessionId: from.sessionId, turn: turn === 0 ? from.turns : turn };
  return { ...draft, title: draft.title === '' ? from.title : draft.title, branch };
}

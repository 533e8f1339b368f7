import { absentSession } from '@modelhost/agent-core';
import { HostError } from '@modelhost/kernel';
import type { Principal, Session, SessionStore } from '@modelhost/kernel';
import { isReader } from '../grpc/reader-roles.ts';

/** What somebody wants with a session. */
type Wish = 'read' | 'own' | 'delete';

/** Whoever has it deletes sessions of others, too; one of those who may read them. */
const deleterRole = 'admin';

/**
 * The session, for whoever may do that with it. Throws `permission_denied` for whoever may only read it, and `not_found` for everybody
 * else: they do not learn that it is there.
 */
export async function findSession(
  sessions: Pick<SessionStore, 'find'>,
  principal: Principal,
  sessionId: string,
  wish: Wish,
): Promise<Session> {
  const session = await sessions.find({ tenant: principal.tenant, sessionId });
  if (session === undefined || !isAllowed(principal, session, 'read'))
    throw absentSession(sessionId);
  if (isAllowed(principal, session, wish)) return session;
  const { subject } = session;
  const others = wish === 'delete' ? ` or the role ${deleterRole}` : '';
  throw new HostError(
    'permission_denied',
    `the session ${sessionId} belongs to ${subject}; this needs its owner${others}`,
    { facts: { subject } },
  );
}

function isAllowed(principal: Principal, { subject }: Session, wish: Wish): boolean {
  if (principal.subject === subject) return true;
  switch (wish) {
    case 'read':
      return isReader(principal);
    case 'delete':
      return principal.roles.includes(deleterRole);
    case 'own':
      return false;
  }
}

import { HostError } from '@modelhost/kernel';
import type { Principal, Session, SessionStore } from '@modelhost/kernel';
import { isReader } from '../grpc/reader-roles.ts';

/** What somebody wants with a session. */
type Wish = 'read' | 'own' | 'delete';

/** The session, for whoever may do that with it. Throws `not_found` for everybody else: nobody learns that it is there. */
export async function findSession(
  sessions: Pick<SessionStore, 'find'>,
  principal: Principal,
  sessionId: string,
  wish: Wish,
): Promise<Session> {
  const session = await sessions.find({ tenant: principal.tenant, sessionId });
  if (session === undefined || !isAllowed(principal, session, wish)) throw absent(sessionId);
  return session;
}

/** Of a session that is not there, or not for whoever asks. */
export function absent(sessionId: string): HostError {
  return new HostError('not_found', `there is no session ${sessionId}`);
}

function isAllowed(principal: Principal, { subject }: Session, wish: Wish): boolean {
  if (principal.subject === subject) return true;
  switch (wish) {
    case 'read':
      return isReader(principal);
    case 'delete':
      return principal.roles.includes('admin');
    case 'own':
      return false;
  }
}

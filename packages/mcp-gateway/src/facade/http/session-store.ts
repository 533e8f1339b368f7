import type { Clock, Principal } from '@modelhost/kernel';
import { HostError } from '@modelhost/kernel';
import type { FacadeCore } from '../core-types.ts';
import { createHttpSession } from './http-session.ts';
import type { HttpSession, HttpSessionBounds } from './http-session.ts';
import type { LegacySessionBounds } from './legacy-session.ts';

/** Bounds of all sessions together. */
export interface SessionStoreBounds {
  readonly sessionsMax: number;
  readonly sessionsPerPrincipalMax: number;
  /** A session that nobody uses for this long is forgotten; its client gets 404 and begins anew. */
  readonly sessionIdleMs: number;
  /** Between two looks at all sessions; also how often open streams get a sign of life. */
  readonly sweepEveryMs: number;
}

/** What a store needs. */
export interface SessionStoreOptions {
  readonly clock: Clock;
  /** Visible ASCII, at least 128 bits that nobody can guess. */
  readonly randomId: () => string;
  readonly bounds: SessionStoreBounds & HttpSessionBounds;
  readonly sessionBounds?: Partial<LegacySessionBounds>;
}

/** Whose session, and at which path. */
export interface SessionOwner {
  readonly view: string;
  readonly principal: Principal;
}

/** The sessions of a listener. */
export interface SessionStore {
  /** Throws `overloaded` when the bounds leave no room and no session of the same principal is unused. */
  create(core: FacadeCore, owner: SessionOwner): HttpSession;
  /** The session, if it is this owner's; one of somebody else is as absent as one that never was. */
  find(id: string, owner: SessionOwner): HttpSession | undefined;
  remove(session: HttpSession): void;
  count(): number;
  /** Ends every response that only listens, so that a listener can close once its requests are done. */
  stopListening(): void;
  close(): void;
}

interface Stored {
  readonly session: HttpSession;
  readonly owner: OwnerKeys;
  usedAtMs: number;
}

interface OwnerKeys {
  /** Tenant and subject: whose sessions are counted together. */
  readonly principal: string;
  /** What must be the same for a session to be found. */
  readonly whole: string;
}

const retryAfterMs = 5_000;

/** Keeps sessions in memory. They are this process's own: a client whose session is gone begins anew. */
export function createSessionStore(options: SessionStoreOptions): SessionStore {
  const { clock, randomId, bounds } = options;
  // Used last comes last, so that the first of a principal is the one to give up.
  const stored = new Map<string, Stored>();
  const counts = new Map<string, number>();

  function remove({ session, owner }: Stored): void {
    if (!stored.delete(session.id)) return;
    const left = (counts.get(owner.principal) ?? 1) - 1;
    if (left === 0) counts.delete(owner.principal);
    else counts.set(owner.principal, left);
    session.close();
  }

  function makeRoom(principal: string): void {
    const mine = counts.get(principal) ?? 0;
    if (mine < bounds.sessionsPerPrincipalMax && stored.size < bounds.sessionsMax) return;
    for (const item of mine === 0 ? [] : stored.values()) {
      if (item.owner.principal === principal && !item.session.isBusy()) return remove(item);
    }
    const message = 'there are too many sessions; end one or try again later';
    throw new HostError('overloaded', message, { retryAfterMs });
  }

  function add(session: HttpSession, owner: OwnerKeys): HttpSession {
    stored.set(session.id, { session, owner, usedAtMs: clock.now() });
    counts.set(owner.principal, (counts.get(owner.principal) ?? 0) + 1);
    return session;
  }

  function sweep(): void {
    const nowMs = clock.now();
    for (const item of stored.values()) {
      item.session.sweep();
      if (item.session.isBusy()) item.usedAtMs = nowMs;
      if (nowMs - item.usedAtMs > bounds.sessionIdleMs) remove(item);
    }
    stopTimer = clock.setTimer(bounds.sweepEveryMs, sweep);
  }
  let stopTimer = clock.setTimer(bounds.sweepEveryMs, sweep);

  return {
    create: (core, owner) => {
      const keys = keysOf(owner);
      makeRoom(keys.principal);
      const id = randomId();
      return add(createHttpSession({ ...options, id, core, principal: owner.principal }), keys);
    },
    find: (id, owner) => {
      const item = stored.get(id);
      if (item?.owner.whole !== keysOf(owner).whole) return undefined;
      item.usedAtMs = clock.now();
      stored.delete(id);
      stored.set(id, item);
      return item.session;
    },
    remove: (session) => {
      const item = stored.get(session.id);
      if (item !== undefined) remove(item);
    },
    count: () => stored.size,
    stopListening: () => {
      for (const { session } of stored.values()) session.stopListening();
    },
    close: () => {
      stopTimer();
      for (const item of stored.values()) remove(item);
    },
  };
}

/** Roles are part of who somebody is: with other roles, a session would go on with rights that are gone. */
function keysOf({ view, principal: { tenant, subject, roles } }: SessionOwner): OwnerKeys {
  return {
    principal: JSON.stringify([tenant, subject]),
    whole: JSON.stringify([tenant, subject, view, ...roles.toSorted()]),
  };
}

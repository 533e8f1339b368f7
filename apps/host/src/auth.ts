import { randomBytes, timingSafeEqual } from 'node:crypto';
import { HostError, sha256Hex } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import type { ApiKeyConfig } from './config/tree.ts';

/** Says who calls, from the `authorization` header of a call. Throws `unauthenticated`. */
export type Authenticate = (authorization: string | undefined) => Principal;

/** A new API key: the key itself, shown once, and what the configuration holds of it. */
export interface NewApiKey {
  readonly id: string;
  /** `mh_<id>_<secret>`. */
  readonly key: string;
  /** `sha256:` and 64 hex digits. */
  readonly hash: string;
}

const headerLengthMax = 512;

/** Whoever reaches a host without keys: it listens on loopback only. */
const localPrincipal: Principal = {
  tenant: 'default',
  subject: 'local',
  roles: ['admin', 'platform-admin'],
};

/**
 * Knows the configured keys by their hashes. A key has 256 random bits, so a plain hash of it cannot be guessed, and the
 * comparison takes the same time for unknown ids. Without any key every caller is the local principal.
 */
export function createAuthenticate(apiKeys: readonly ApiKeyConfig[]): Authenticate {
  if (apiKeys.length === 0) return () => localPrincipal;
  const known = new Map(apiKeys.map((key) => [key.id, key]));
  const nobody = `sha256:${'0'.repeat(64)}`;
  return (authorization) => {
    const token = readToken(authorization);
    const key = known.get(/^mh_([a-z0-9]{4,32})_/.exec(token)?.[1] ?? '');
    const isRight = timingSafeEqual(Buffer.from(hashOf(token)), Buffer.from(key?.hash ?? nobody));
    if (key === undefined || !isRight) throw refused('the API key is not valid');
    return { tenant: key.tenant, subject: key.subject, roles: key.roles };
  };
}

/** Makes a key; nothing keeps it. */
export function createApiKey(): NewApiKey {
  const id = randomBytes(6).toString('hex');
  const key = `mh_${id}_${randomBytes(32).toString('base64url')}`;
  return { id, key, hash: hashOf(key) };
}

function readToken(authorization: string | undefined): string {
  if (authorization === undefined) {
    throw refused('the call has no API key; send `authorization: Bearer <key>`');
  }
  const token = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization.slice(0, headerLengthMax))?.[1];
  if (token === undefined) throw refused('the authorization header must be `Bearer <key>`');
  return token;
}

function hashOf(token: string): string {
  return `sha256:${sha256Hex(token)}`;
}

function refused(message: string): HostError {
  return new HostError('unauthenticated', message);
}

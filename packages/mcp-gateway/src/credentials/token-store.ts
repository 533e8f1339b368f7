import type { StoredOAuthClientInformation, StoredOAuthTokens } from '@modelcontextprotocol/client';
import type { JsonObject } from '@modelhost/kernel';
import { keepBounded } from '../keep-bounded.ts';

/** Whose authorization at which server. Nothing is ever found under another owner. */
export interface GrantOwner {
  readonly server: string;
  /** The server's URL: what was granted for one is of no use when the operator points the alias at another. */
  readonly resource: string;
  /** Tenant and subject are '' for what the host itself owns: its registrations as a client. */
  readonly tenant: string;
  readonly subject: string;
}

/** What one authorization server gave to one owner. It is of no use at any other. */
export interface Grant {
  readonly issuer: string;
  readonly client?: StoredOAuthClientInformation;
  readonly tokens?: StoredOAuthTokens;
  /** Private, as a JWK; there when the tokens are bound to it. */
  readonly dpopKey?: JsonObject;
  /** Milliseconds since 1970; absent when the server did not say. */
  readonly expiresAt?: number;
}

/** Where grants survive a restart. */
export interface TokenStore {
  /** The grants of one owner, the one saved last first. */
  load(owner: GrantOwner): Promise<readonly Grant[]>;
  /** Takes the place of all grants of the owner; an empty list forgets them. */
  save(owner: GrantOwner, grants: readonly Grant[]): Promise<void>;
}

/** Keeps grants while the process lives: at most `ownersMax`, of which the one saved longest ago goes first. */
export function createTokenMemory(ownersMax = 4_096): TokenStore {
  const byOwner = new Map<string, readonly Grant[]>();
  return {
    load: async (owner) => byOwner.get(keyOfOwner(owner)) ?? [],
    save: async (owner, grants) => {
      const value = grants.length === 0 ? undefined : grants;
      keepBounded(byOwner, { key: keyOfOwner(owner), value, entriesMax: ownersMax });
    },
  };
}

/** A text that no two owners share. */
export function keyOfOwner({ server, resource, tenant, subject }: GrantOwner): string {
  return JSON.stringify([server, resource, tenant, subject]);
}

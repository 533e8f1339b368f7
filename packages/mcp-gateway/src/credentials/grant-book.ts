import type { StoredOAuthClientInformation, StoredOAuthTokens } from '@modelcontextprotocol/client';
import type { DpopKey } from './dpop-key.ts';
import { expiryOf } from './token-source.ts';
import type { Grant, GrantOwner, TokenStore } from './token-store.ts';

/** The grants of one user at one server, and the host's own registrations there. */
export interface GrantBook {
  /** The grant that was saved last. */
  newest(): Promise<Grant | undefined>;
  /** Those of the issuer, and nobody else's. */
  tokens(issuer: string | undefined): Promise<StoredOAuthTokens | undefined>;
  /** A scope that the server left out is the one that was asked for or granted before. */
  saveTokens(tokens: StoredOAuthTokens, options: SaveOptions): Promise<void>;
  forgetTokens(): Promise<void>;
  client(issuer: string): Promise<StoredOAuthClientInformation | undefined>;
  saveClient(client: StoredOAuthClientInformation): Promise<void>;
  forgetClients(): Promise<void>;
}

/** What is known of tokens beside themselves. */
export interface SaveOptions {
  readonly issuer: string | undefined;
  /** Granted when the tokens say nothing else. */
  readonly askedScope: string | undefined;
  /** What they were asked to be bound to; some servers bind them all the same to nothing. */
  readonly dpop: DpopKey | undefined;
}

/** Whose grants, and where they are kept. */
export interface GrantBookOptions {
  readonly store: TokenStore;
  readonly owner: GrantOwner;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A server that moves from one authorization server to another keeps what it had at the last few. */
const issuersMax = 4;

/** Reads the store each time: what another part of the host saved counts at once. */
export function createGrantBook({ store, owner, now }: GrantBookOptions): GrantBook {
  const host: GrantOwner = { ...owner, tenant: '', subject: '' };

  async function find(of: GrantOwner, issuer: string | undefined): Promise<Grant | undefined> {
    const grants = await store.load(of);
    return issuer === undefined
      ? grants[0]
      : grants.find((grant) => isSameIssuer(grant.issuer, issuer));
  }

  async function put(of: GrantOwner, grant: Grant): Promise<void> {
    const others = (await store.load(of)).filter(
      ({ issuer }) => !isSameIssuer(issuer, grant.issuer),
    );
    await store.save(of, [grant, ...others].slice(0, issuersMax));
  }

  async function newest(): Promise<Grant | undefined> {
    return await find(owner, undefined);
  }

  async function saveTokens(tokens: StoredOAuthTokens, options: SaveOptions): Promise<void> {
    const issuer = options.issuer ?? tokens.issuer;
    if (issuer === undefined) throw new TypeError('tokens without an issuer');
    const scope = tokens.scope ?? options.askedScope ?? (await find(owner, issuer))?.tokens?.scope;
    const expiresAt = expiryOf(tokens.expires_in, now());
    const isBound = tokens.token_type.toLowerCase() === 'dpop';
    const dpopKey = isBound ? options.dpop?.key : undefined;
    await put(owner, {
      issuer,
      tokens: { ...tokens, ...(scope === undefined ? {} : { scope }) },
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(dpopKey === undefined ? {} : { dpopKey }),
    });
  }

  async function saveClient(client: StoredOAuthClientInformation): Promise<void> {
    if (client.issuer === undefined) throw new TypeError('a client without an issuer');
    await put(host, { issuer: client.issuer, client });
  }

  return {
    newest,
    tokens: async (issuer) => (await find(owner, issuer))?.tokens,
    saveTokens,
    forgetTokens: () => store.save(owner, []),
    client: async (issuer) => (await find(host, issuer))?.client,
    saveClient,
    forgetClients: () => store.save(host, []),
  };
}

/** Whether two texts name one issuer: a slash at the end may be there or not. */
export function isSameIssuer(one: string, other: string): boolean {
  return one.replace(/\/$/, '') === other.replace(/\/$/, '');
}

import { auth } from '@modelcontextprotocol/client';
import type { FetchLike } from '@modelcontextprotocol/client';
import { HostError } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import type { OutboundFetch } from '../outbound/outbound-fetch.ts';
import { authorizationRequired } from './authorization-required.ts';
import type { CredentialSpec } from './credential-spec.ts';
import type { AuthorizationCallback } from './credentials.ts';
import { createGrantBook } from './grant-book.ts';
import type { GrantBook } from './grant-book.ts';
import { checkSecure } from './oauth-fetch.ts';
import { refusedCredential, withKnownErrors } from './sdk-token-source.ts';
import type { AccessToken } from './token-source.ts';
import type { TokenStore } from './token-store.ts';
import { createUserFlow } from './user-flow.ts';
import type { PendingAuthorization, UserFlow } from './user-flow.ts';

/** Where users authorize the host, and where that is kept. */
export interface UserAuthorizationOptions {
  readonly server: string;
  readonly serverUrl: string;
  readonly spec: CredentialSpec & { readonly type: 'user-oauth' };
  readonly outbound: OutboundFetch;
  readonly oauthFetch: FetchLike;
  readonly tokenStore: TokenStore;
  readonly now: () => number;
  readonly randomId: () => string;
}

/** The authorization of one user. */
export interface UserAuthorization {
  /** The token as it was last given or found in the store; it may be too old. */
  token(): Promise<AccessToken | undefined>;
  /** Everything that is to be asked for, so that a step up loses nothing. */
  scope(): string | undefined;
  /** What the next run of the flow asks for, and where the server says that it is described. */
  want(scope: string | undefined, resourceMetadataUrl: URL | undefined): void;
  /** The URL that the user was sent to, while that is still good. */
  pendingUrl(): URL | undefined;
  /** Refreshes if that may help, else throws the error that sends the user away. */
  authorize(isRefreshUseless: boolean): Promise<AccessToken>;
  finish(callback: AuthorizationCallback): Promise<void>;
}

interface Pending extends PendingAuthorization {
  readonly endsAt: number;
}

interface FlowEntry {
  readonly forceReauthorization?: boolean;
  readonly authorizationCode?: string;
  readonly iss?: string;
}

const pendingLifeMs = 600_000;
/** A token that is refused so soon after it was refreshed will not get better by another refresh. */
const refreshGraceMs = 60_000;

/** Nobody is ever sent to the authorization server by this: the URL is handed to whoever asked. */
export function createUserAuthorization(
  options: UserAuthorizationOptions,
  principal: Principal,
): UserAuthorization {
  const { server, serverUrl, now } = options;
  const grants = createGrants(options, principal);
  let held: { readonly token: AccessToken | undefined } | undefined;
  let scope: string | undefined;
  let resourceMetadataUrl: URL | undefined;
  let pending: Pending | undefined;
  let refreshedAt = -Infinity;

  async function runFlow({ provider }: UserFlow, entry: FlowEntry): Promise<boolean> {
    const outcome = await withKnownErrors(server, async () =>
      auth(provider, {
        serverUrl,
        fetchFn: options.oauthFetch,
        ...(scope === undefined ? {} : { scope }),
        ...(resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl }),
        ...entry,
      }),
    );
    return outcome === 'AUTHORIZED';
  }

  async function take(): Promise<AccessToken> {
    const token = await grants.accessToken();
    held = { token };
    if (token === undefined) throw refusedCredential(server);
    return token;
  }

  async function authorize(isRefreshUseless: boolean): Promise<AccessToken> {
    const flow = createUserFlow({ ...options, grants, returning: undefined });
    const forceReauthorization = isRefreshUseless || now() - refreshedAt < refreshGraceMs;
    if (await runFlow(flow, { forceReauthorization })) {
      refreshedAt = now();
      return await take();
    }
    const begun = flow.pending();
    if (begun === undefined) throw refusedCredential(server);
    checkSecure(server, begun.url);
    await options.outbound.check(begun.url);
    pending = { ...begun, endsAt: now() + pendingLifeMs };
    throw authorizationRequired(server, begun.url);
  }

  async function finish({ state, code, iss }: AuthorizationCallback): Promise<void> {
    const returning = pending;
    if (returning === undefined || returning.state !== state || returning.endsAt <= now()) {
      const message = `${server}: no authorization of yours waits for this answer`;
      throw new HostError('failed_precondition', message, { facts: { server } });
    }
    // One answer, one try: a code that did not work is not to be had again either.
    pending = undefined;
    const flow = createUserFlow({ ...options, grants, returning });
    await runFlow(flow, { authorizationCode: code, ...(iss === undefined ? {} : { iss }) });
    refreshedAt = -Infinity;
    await take();
  }

  return {
    token: async () => (held ??= { token: await grants.accessToken() }).token,
    scope: () => scope,
    want: (wanted, url) => {
      scope = wanted;
      resourceMetadataUrl = url ?? resourceMetadataUrl;
    },
    pendingUrl: () => (pending !== undefined && pending.endsAt > now() ? pending.url : undefined),
    authorize,
    finish,
  };
}

function createGrants(
  { server, serverUrl: resource, tokenStore: store, now }: UserAuthorizationOptions,
  { tenant, subject }: Principal,
): GrantBook {
  return createGrantBook({ store, owner: { server, resource, tenant, subject }, now });
}

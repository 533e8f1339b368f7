import { auth } from '@modelcontextprotocol/client';
import type { FetchLike } from '@modelcontextprotocol/client';
import { HostError } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import type { OutboundFetch } from '../outbound/outbound-fetch.ts';
import { authorizationRequired } from './authorization-required.ts';
import type { CredentialSpec } from './credential-spec.ts';
import { createDpopKey, restoreDpopKey } from './dpop-key.ts';
import type { DpopKey } from './dpop-key.ts';
import { createGrantBook } from './grant-book.ts';
import type { GrantBook } from './grant-book.ts';
import { checkSecure } from './oauth-fetch.ts';
import { refusedCredential, withKnownErrors } from './sdk-token-source.ts';
import type { AccessToken, Challenge } from './token-source.ts';
import type { Grant, TokenStore } from './token-store.ts';
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

/** Parameters of the redirect back, as they came. */
export interface AuthorizationCallback {
  readonly state: string;
  readonly code: string;
  readonly iss?: string;
}

/** The authorization of one user. */
export interface UserAuthorization {
  /** The token as it was last given or found in the store; it may be too old. */
  token(): Promise<AccessToken | undefined>;
  /** Everything that is to be asked for, so that a step up loses nothing. */
  scope(): string | undefined;
  /** What the next run of the flow asks for, by what the server just said. */
  want(scope: string | undefined, challenge: Challenge): void;
  /** The URL that the user was sent to, while that is still good. */
  pendingUrl(): URL | undefined;
  /** Refreshes if that may help, else throws the error that sends the user away. */
  authorize(isRefreshUseless: boolean): Promise<AccessToken>;
  finish(callback: AuthorizationCallback): Promise<void>;
}

interface Pending extends PendingAuthorization {
  readonly endsAt: number;
}

/** What is to be asked for, by all that the server has said. */
interface Wanted {
  readonly scope: string | undefined;
  readonly resourceMetadataUrl: URL | undefined;
  readonly isDpop: boolean;
}

/** What was found in the store; reading it once is enough. */
interface HeldToken {
  readonly token: AccessToken | undefined;
}

interface FlowEntry extends Wanted {
  readonly forceReauthorization?: boolean;
  readonly authorizationCode?: string;
  readonly iss?: string | undefined;
}

const pendingLifeMs = 600_000;
/** A token that is refused so soon after it was refreshed will not get better by another refresh. */
const refreshGraceMs = 60_000;

/** Nobody is ever sent to the authorization server by this: the URL is handed to whoever asked. */
export function createUserAuthorization(
  options: UserAuthorizationOptions,
  principal: Principal,
): UserAuthorization {
  const { server, now } = options;
  const grants = createGrants(options, principal);
  let held: HeldToken | undefined;
  let dpop: DpopKey | undefined;
  let wanted: Wanted = { scope: undefined, resourceMetadataUrl: undefined, isDpop: false };
  let pending: Pending | undefined;
  let refreshedAt = -Infinity;

  async function token(): Promise<AccessToken | undefined> {
    if (held !== undefined) return held.token;
    const grant = await grants.newest();
    dpop = await keyOf(grant, dpop);
    held = { token: toAccessToken(grant, dpop) };
    return held.token;
  }

  async function take(): Promise<AccessToken> {
    held = undefined;
    const taken = await token();
    if (taken === undefined) throw refusedCredential(server);
    return taken;
  }

  async function authorize(isRefreshUseless: boolean): Promise<AccessToken> {
    if (wanted.isDpop) dpop ??= await createDpopKey();
    const flow = createUserFlow({ ...options, grants, dpop, returning: undefined });
    const forceReauthorization = isRefreshUseless || now() - refreshedAt < refreshGraceMs;
    if (await runFlow(options, flow, { ...wanted, forceReauthorization })) {
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
    const flow = createUserFlow({ ...options, grants, dpop, returning });
    await runFlow(options, flow, { ...wanted, authorizationCode: code, iss });
    refreshedAt = -Infinity;
    await take();
  }

  return {
    token,
    scope: () => wanted.scope,
    want: (scope, { resourceMetadataUrl = wanted.resourceMetadataUrl, isDpop }) => {
      wanted = { scope, resourceMetadataUrl, isDpop: isDpop || wanted.isDpop };
    },
    pendingUrl: () => (pending !== undefined && pending.endsAt > now() ? pending.url : undefined),
    authorize,
    finish,
  };
}

/** Whether it came to tokens; otherwise the user has to be sent away. */
async function runFlow(
  { server, serverUrl, oauthFetch }: UserAuthorizationOptions,
  { provider }: UserFlow,
  { scope, resourceMetadataUrl, forceReauthorization, authorizationCode, iss }: FlowEntry,
): Promise<boolean> {
  const outcome = await withKnownErrors(server, async () =>
    auth(provider, {
      serverUrl,
      fetchFn: oauthFetch,
      forceReauthorization: forceReauthorization === true,
      ...(scope === undefined ? {} : { scope }),
      ...(resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl }),
      ...(authorizationCode === undefined ? {} : { authorizationCode }),
      ...(iss === undefined ? {} : { iss }),
    }),
  );
  return outcome === 'AUTHORIZED';
}

/** The key of the grant, with what its session has learned if that is the one at hand. */
async function keyOf(
  grant: Grant | undefined,
  atHand: DpopKey | undefined,
): Promise<DpopKey | undefined> {
  const kept = grant?.dpopKey;
  if (kept === undefined || kept['x'] === atHand?.key['x']) return atHand;
  return await restoreDpopKey(kept);
}

function toAccessToken(
  grant: Grant | undefined,
  dpop: DpopKey | undefined,
): AccessToken | undefined {
  if (grant?.tokens === undefined) return undefined;
  const { access_token: value, scope } = grant.tokens;
  const session = grant.dpopKey === undefined ? undefined : dpop?.session;
  return { value, scope, expiresAt: grant.expiresAt, dpop: session };
}

function createGrants(
  { server, serverUrl: resource, tokenStore: store, now }: UserAuthorizationOptions,
  { tenant, subject }: Principal,
): GrantBook {
  return createGrantBook({ store, owner: { server, resource, tenant, subject }, now });
}

import {
  auth,
  computeScopeUnion,
  isStrictScopeSuperset,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import type { FetchLike, OAuthClientProvider } from '@modelcontextprotocol/client';
import { HostError } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import { createBySubject } from './by-subject.ts';
import { createSingleFlight } from './single-flight.ts';
import { expiryOf, isGood } from './token-source.ts';
import type { AccessToken, Challenge, TokenSource } from './token-source.ts';

/** Whose tokens, and how the SDK gets them. */
export interface SdkTokenSourceOptions {
  readonly server: string;
  readonly serverUrl: string;
  readonly oauthFetch: FetchLike;
  readonly now: () => number;
  readonly subjectOf: (principal: Principal) => string;
  /** A provider that needs nobody to be present. */
  readonly createProvider: (principal: Principal) => OAuthClientProvider;
}

interface Held {
  readonly provider: OAuthClientProvider;
  token: AccessToken | undefined;
  /** Everything that was ever asked for, so that a step up loses nothing. */
  scope: string | undefined;
  resourceMetadataUrl: URL | undefined;
}

/** Tokens of grants in which the host speaks for itself. They are kept in memory only: another is always to be had. */
export function createSdkTokenSource(options: SdkTokenSourceOptions): TokenSource {
  const { server, serverUrl, oauthFetch, now, subjectOf, createProvider } = options;
  const flights = createSingleFlight<AccessToken>();
  const subjects = createBySubject<Held>({
    subjectOf,
    create: (principal) => ({
      provider: createProvider(principal),
      token: undefined,
      scope: undefined,
      resourceMetadataUrl: undefined,
    }),
  });

  async function fetchToken(held: Held): Promise<AccessToken> {
    const { provider, scope, resourceMetadataUrl } = held;
    const outcome = await withKnownErrors(server, async () =>
      auth(provider, {
        serverUrl,
        fetchFn: oauthFetch,
        ...(scope === undefined ? {} : { scope }),
        ...(resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl }),
      }),
    );
    const tokens = await provider.tokens();
    if (outcome !== 'AUTHORIZED' || tokens === undefined) throw refusedCredential(server);
    held.token = {
      value: tokens.access_token,
      dpop: undefined,
      scope: tokens.scope ?? scope,
      expiresAt: expiryOf(tokens.expires_in, now()),
    };
    return held.token;
  }

  async function current(
    principal: Principal,
    signal: AbortSignal,
  ): Promise<AccessToken | undefined> {
    const held = subjects.of(principal);
    if (held.token === undefined || isGood(held.token, now())) return held.token;
    return await flights.run(subjectOf(principal), () => fetchToken(held), signal);
  }

  async function renew(
    principal: Principal,
    challenge: Challenge,
    refused: AccessToken | undefined,
    signal: AbortSignal,
  ): Promise<AccessToken> {
    const held = subjects.of(principal);
    if (held.token !== undefined && held.token !== refused) return held.token;
    const scope = computeScopeUnion(held.scope, challenge.scope);
    if (
      challenge.reason === 'insufficient-scope' &&
      !isStrictScopeSuperset(scope, held.token?.scope)
    ) {
      throw refusedCredential(server);
    }
    held.scope = scope;
    held.resourceMetadataUrl = challenge.resourceMetadataUrl ?? held.resourceMetadataUrl;
    return await flights.run(subjectOf(principal), () => fetchToken(held), signal);
  }

  return { current, renew };
}

/** Errors of the SDK's flow as ours; what an authorization server wrote stays in the cause. */
export async function withKnownErrors<T>(server: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    if (cause instanceof UnauthorizedError) throw refusedCredential(server, cause);
    const message = `${server}: its authorization server gave no token`;
    throw new HostError('mcp_connection_failed', message, { facts: { server }, cause });
  }
}

/** The server does not accept what the host can offer. */
export function refusedCredential(server: string, cause?: unknown): HostError {
  const message = `${server}: it refused the configured credential`;
  return new HostError('mcp_connection_failed', message, { facts: { server }, cause });
}

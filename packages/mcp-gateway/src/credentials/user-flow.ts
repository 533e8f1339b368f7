import type {
  OAuthClientInformationContext,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
} from '@modelcontextprotocol/client';
import { stateOf } from './authorization-required.ts';
import type { CredentialSpec } from './credential-spec.ts';
import type { DpopKey } from './dpop-key.ts';
import { isSameIssuer } from './grant-book.ts';
import type { GrantBook } from './grant-book.ts';

/** An authorization that a user was sent away for. */
export interface PendingAuthorization {
  readonly state: string;
  readonly url: URL;
  readonly codeVerifier: string;
  readonly discovery: OAuthDiscoveryState;
  /** The host as the client that the code will be given to. */
  readonly client: StoredOAuthClientInformation;
  /** What was asked for, separated by spaces. */
  readonly scope: string | undefined;
}

/** One run of the SDK's flow for one user. */
export interface UserFlow {
  readonly provider: OAuthClientProvider;
  /** What the user has to go through, if the run came to that. */
  pending(): PendingAuthorization | undefined;
}

/** What a run goes by. */
export interface UserFlowOptions {
  readonly server: string;
  readonly spec: CredentialSpec & { readonly type: 'user-oauth' };
  readonly grants: GrantBook;
  readonly randomId: () => string;
  /** What new tokens are to be bound to; absent for tokens that whoever has them can use. */
  readonly dpop: DpopKey | undefined;
  /** The authorization that comes back; absent when the run begins one or refreshes. */
  readonly returning: PendingAuthorization | undefined;
}

/** For one run: discovery is made anew each time, so that a server that moved to another issuer is noticed. */
export function createUserFlow(options: UserFlowOptions): UserFlow {
  const { server, spec, grants, randomId, returning } = options;
  const { redirectUrl, clientMetadataUrl } = spec;
  let discovery = returning?.discovery;
  let client = returning?.client;
  let codeVerifier = returning?.codeVerifier ?? '';
  let state = '';
  let url: URL | undefined;

  async function clientInformation(
    context?: OAuthClientInformationContext,
  ): Promise<StoredOAuthClientInformation | undefined> {
    if (context === undefined) return undefined;
    client =
      returning?.client ?? configuredClient(context) ?? (await grants.client(context.issuer));
    return client;
  }

  function configuredClient({
    issuer,
  }: OAuthClientInformationContext): StoredOAuthClientInformation | undefined {
    if (spec.client !== undefined && isSameIssuer(spec.client.issuer, issuer)) {
      const { clientId, clientSecret } = spec.client;
      const secret = clientSecret === undefined ? {} : { client_secret: clientSecret };
      return { client_id: clientId, issuer, ...secret };
    }
    const { client_id_metadata_document_supported: takesDocuments } =
      discovery?.authorizationServerMetadata ?? {};
    const isTaken = takesDocuments === true && clientMetadataUrl !== undefined;
    return isTaken ? { client_id: clientMetadataUrl, issuer } : undefined;
  }

  async function saveClientInformation(fresh: StoredOAuthClientInformation): Promise<void> {
    client = fresh;
    await grants.saveClient(fresh);
  }

  const provider: OAuthClientProvider = {
    redirectUrl,
    clientMetadata: {
      client_name: 'Model Host',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      ...(spec.scope === undefined ? {} : { scope: spec.scope }),
    },
    state: () => (state = stateOf(server, randomId())),
    clientInformation,
    ...(spec.allowRegistration ? { saveClientInformation } : {}),
    tokens: (context) => grants.tokens(context?.issuer),
    saveTokens: (tokens, context) =>
      grants.saveTokens(tokens, {
        issuer: context?.issuer,
        askedScope: returning?.scope,
        dpop: options.dpop,
      }),
    dpop: () => options.dpop?.session,
    redirectToAuthorization: (to) => void (url = to),
    saveCodeVerifier: (verifier) => void (codeVerifier = verifier),
    codeVerifier: () => codeVerifier,
    discoveryState: () => returning?.discovery,
    saveDiscoveryState: (found) => void (discovery = found),
    invalidateCredentials: async (what) => {
      if (what === 'all' || what === 'tokens') await grants.forgetTokens();
      if (what === 'all' || what === 'client') await grants.forgetClients();
    },
  };

  function pending(): PendingAuthorization | undefined {
    if (url === undefined || discovery === undefined || client === undefined) return undefined;
    const scope = url.searchParams.get('scope') ?? undefined;
    return { state, url, codeVerifier, discovery, client, scope };
  }

  return { provider, pending };
}

import { readFile } from 'node:fs/promises';
import {
  ClientCredentialsProvider,
  CrossAppAccessProvider,
  requestJwtAuthorizationGrant,
  PrivateKeyJwtProvider,
} from '@modelcontextprotocol/client';
import type {
  FetchLike,
  OAuthClientProvider,
  StoredOAuthTokens,
} from '@modelcontextprotocol/client';
import type { CredentialSpec } from './credential-spec.ts';

const clientName = 'Model Host';

/** The host for itself. What proves who it is goes to the configured issuer and nowhere else. */
export function createMachineProvider(spec: MachineSpec): OAuthClientProvider {
  const { clientId, issuer: expectedIssuer, scope } = spec;
  const client = {
    clientId,
    clientName,
    expectedIssuer,
    ...(scope === undefined ? {} : { scope }),
  };
  switch (spec.type) {
    case 'client-credentials':
      return new ClientCredentialsProvider({ ...client, clientSecret: spec.clientSecret });
    case 'private-key-jwt': {
      const { privateKeyPem: privateKey, algorithm } = spec.key;
      return new PrivateKeyJwtProvider({ ...client, privateKey, algorithm });
    }
    case 'workload-identity':
      return createWorkloadProvider(spec);
  }
}

type MachineSpec = CredentialSpec & {
  readonly type: 'client-credentials' | 'private-key-jwt' | 'workload-identity';
};

/** The platform replaces the file before its assertion is over, so that it is read anew for every token. */
function createWorkloadProvider({
  issuer,
  clientId,
  scope,
  assertionFile,
}: MachineSpec & { readonly type: 'workload-identity' }): OAuthClientProvider {
  const type = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  let held: StoredOAuthTokens | undefined;
  const unused = (): never => {
    throw new TypeError('nobody is sent away for this grant');
  };
  return {
    redirectUrl: undefined,
    clientMetadata: {
      client_name: clientName,
      redirect_uris: [],
      grant_types: [type],
      token_endpoint_auth_method: 'none',
      ...(scope === undefined ? {} : { scope }),
    },
    clientInformation: () => ({ client_id: clientId, issuer }),
    tokens: () => held,
    saveTokens: (tokens) => void (held = tokens),
    redirectToAuthorization: unused,
    saveCodeVerifier: unused,
    codeVerifier: unused,
    prepareTokenRequest: async (asked) => {
      const assertion = (await readFile(assertionFile, 'utf8')).trim();
      const form = new URLSearchParams({ grant_type: type, assertion });
      if (asked !== undefined) form.set('scope', asked);
      return form;
    },
  };
}

/** The two steps of Enterprise-Managed Authorization, for one user. */
export function createEnterpriseProvider(
  spec: CredentialSpec & { readonly type: 'enterprise-managed' },
  fetchFn: FetchLike,
  idToken: () => Promise<string>,
): OAuthClientProvider {
  const { identityTokenEndpoint, identityClientId, identityClientSecret } = spec;
  return new CrossAppAccessProvider({
    clientId: spec.clientId,
    clientSecret: spec.clientSecret,
    clientName,
    expectedIssuer: spec.issuer,
    fetchFn,
    assertion: async ({ authorizationServerUrl, resourceUrl, scope = spec.scope }) => {
      const { jwtAuthGrant } = await requestJwtAuthorizationGrant({
        tokenEndpoint: identityTokenEndpoint,
        clientId: identityClientId,
        ...(identityClientSecret === undefined ? {} : { clientSecret: identityClientSecret }),
        audience: authorizationServerUrl,
        resource: resourceUrl,
        idToken: await idToken(),
        ...(scope === undefined ? {} : { scope }),
        fetchFn,
      });
      return jwtAuthGrant;
    },
  });
}

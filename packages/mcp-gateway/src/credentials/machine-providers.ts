import {
  ClientCredentialsProvider,
  CrossAppAccessProvider,
  requestJwtAuthorizationGrant,
  PrivateKeyJwtProvider,
} from '@modelcontextprotocol/client';
import type { FetchLike, OAuthClientProvider } from '@modelcontextprotocol/client';
import type { CredentialSpec } from './credential-spec.ts';

const clientName = 'Model Host';

/** Client credentials, with a secret or with a signed assertion. They go to the configured issuer and nowhere else. */
export function createMachineProvider(
  spec: CredentialSpec & { readonly type: 'client-credentials' | 'private-key-jwt' },
): OAuthClientProvider {
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
  }
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

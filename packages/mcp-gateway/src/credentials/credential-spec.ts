/** How the host identifies itself, or the user it acts for, at one tool server over HTTP. Secrets are already resolved. */
export type CredentialSpec =
  | { readonly type: 'none' }
  /** The same header with every request. */
  | { readonly type: 'static'; readonly header: string; readonly value: string }
  /** OAuth client credentials with a secret. */
  | ({ readonly type: 'client-credentials'; readonly clientSecret: string } & OAuthClientSpec)
  /** OAuth client credentials with a signed assertion (RFC 7523). */
  | ({ readonly type: 'private-key-jwt'; readonly key: SigningKeySpec } & OAuthClientSpec)
  /** A token for the host's own workload, for the assertion that its platform gives it (RFC 7523). */
  | ({ readonly type: 'workload-identity'; readonly assertionFile: string } & OAuthClientSpec)
  /** Every user authorizes the host at the server's authorization server. */
  | ({ readonly type: 'user-oauth' } & UserOAuthSpec)
  /** A token for every user, from an exchange (RFC 8693) of the host's own signed word about who the user is. */
  | ({ readonly type: 'token-exchange' } & TokenExchangeSpec)
  /** A token for every user by way of the enterprise's identity provider (ID-JAG). */
  | ({ readonly type: 'enterprise-managed' } & EnterpriseManagedSpec);

/** The host as a client of one authorization server. */
export interface OAuthClientSpec {
  /** The only authorization server that ever gets the credential. */
  readonly issuer: string;
  readonly clientId: string;
  /** Separated by spaces; the server's own advice when absent. */
  readonly scope?: string;
}

/** A private key that signs assertions. */
export interface SigningKeySpec {
  /** PKCS #8 in PEM. */
  readonly privateKeyPem: string;
  readonly algorithm: 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384';
}

/** How users authorize the host. A configured client comes first, then the metadata document, then registration. */
export interface UserOAuthSpec {
  /** Where the authorization server sends the browser back to: a route of the host that calls `finish`. */
  readonly redirectUrl: string;
  /** URL of the host's Client ID Metadata Document. */
  readonly clientMetadataUrl?: string;
  /** A client that was registered beforehand, at exactly this issuer. */
  readonly client?: {
    readonly issuer: string;
    readonly clientId: string;
    readonly clientSecret?: string;
  };
  /** Whether the host may register itself (RFC 7591), where nothing better is at hand. */
  readonly allowRegistration: boolean;
  readonly scope?: string;
}

/** Where tokens are exchanged, and how the host proves who the user is. */
export interface TokenExchangeSpec {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly clientAuthentication: 'basic' | 'post';
  /** Signs the subject token: issuer `subjectIssuer`, subject the user, claim `tenant`. */
  readonly subjectKey: SigningKeySpec;
  readonly subjectIssuer: string;
  /** `kid` of the subject token. */
  readonly subjectKeyId?: string;
  readonly audience?: string;
  /** RFC 8707; the URL of the server when absent. */
  readonly resource?: string;
  readonly scope?: string;
}

/** The enterprise's identity provider, and the server's own authorization server. */
export interface EnterpriseManagedSpec extends OAuthClientSpec {
  readonly clientSecret: string;
  readonly identityTokenEndpoint: string;
  readonly identityClientId: string;
  readonly identityClientSecret?: string;
}

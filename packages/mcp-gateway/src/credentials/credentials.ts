import { HostError } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import type { OutboundFetch } from '../outbound/outbound-fetch.ts';
import { withHeaders, withTokens } from './authorized-outbound.ts';
import type { CredentialSpec } from './credential-spec.ts';
import { createExchangeTokenSource } from './exchange-token-source.ts';
import { createEnterpriseProvider, createMachineProvider } from './machine-providers.ts';
import { createOAuthFetch } from './oauth-fetch.ts';
import { createSdkTokenSource } from './sdk-token-source.ts';
import type { TokenSource } from './token-source.ts';
import type { TokenStore } from './token-store.ts';
import type { AuthorizationCallback } from './user-authorization.ts';
import { createUserTokenSource } from './user-token-source.ts';

/**
 * The credential of one tool server. A principal has no token and nothing here takes one: what the caller came in with
 * cannot go upstream.
 */
export interface Credentials {
  /** Principals of the same subject share a connection; '' when everybody does. */
  subjectOf(principal: Principal): string;
  /**
   * The way to the server as this principal: adds the credential to every request, and after a 401 or a 403 for want of
   * scope gets a better one and sends the request once more, since a refused one was not executed. Throws an error that
   * `readAuthorizationUrl` knows when the user has to authorize the host first. Closing it closes nothing.
   */
  outboundFor(principal: Principal): OutboundFetch;
  /** Goes on with what the user's browser brought back. Throws `failed_precondition` when this principal began nothing. */
  finish(principal: Principal, callback: AuthorizationCallback): Promise<void>;
}

/** What credentials are made of. */
export interface CredentialsOptions {
  /** Alias, for messages and for what is kept. */
  readonly server: string;
  /** As configured. */
  readonly serverUrl: string;
  readonly spec: CredentialSpec;
  /** Its requests go without a credential. */
  readonly fetch: OutboundFetch;
  readonly tokenStore: TokenStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Unguessable, for the `state` of an authorization. */
  readonly randomId: () => string;
  /** The user's ID token at the enterprise's identity provider; needed by `enterprise-managed` only. */
  readonly idTokenFor?: (principal: Principal) => Promise<string>;
}

/** Nothing is asked for before the first request. Throws `config_invalid` when the spec needs what is not at hand. */
export function createCredentials(options: CredentialsOptions): Credentials {
  const { server, serverUrl, spec, fetch: outbound, now, randomId } = options;
  const oauthFetch = createOAuthFetch(server, serverUrl, outbound);
  const shared = { server, serverUrl, oauthFetch, now };
  switch (spec.type) {
    case 'none':
      return { subjectOf: isShared, outboundFor: () => outbound, finish: refuseFinish(server) };
    case 'static': {
      const authorized = withHeaders(outbound, serverUrl, {
        [spec.header.toLowerCase()]: spec.value,
      });
      return { subjectOf: isShared, outboundFor: () => authorized, finish: refuseFinish(server) };
    }
    case 'client-credentials':
    case 'private-key-jwt':
    case 'workload-identity': {
      const createProvider = () => createMachineProvider(spec);
      const source = createSdkTokenSource({ ...shared, subjectOf: isShared, createProvider });
      return withSource(options, source, isShared);
    }
    case 'enterprise-managed': {
      const { idTokenFor } = options;
      if (idTokenFor === undefined) {
        const message = `${server}: enterprise-managed needs the ID tokens of users, which this host does not have`;
        throw new HostError('config_invalid', message);
      }
      const createProvider = (principal: Principal) =>
        createEnterpriseProvider(spec, oauthFetch, () => idTokenFor(principal));
      const source = createSdkTokenSource({ ...shared, subjectOf: byUser, createProvider });
      return withSource(options, source, byUser);
    }
    case 'token-exchange': {
      const source = createExchangeTokenSource({ ...shared, spec, randomId, subjectOf: byUser });
      return withSource(options, source, byUser);
    }
    case 'user-oauth': {
      const { tokenStore } = options;
      const own = { spec, outbound, tokenStore, randomId, subjectOf: byUser };
      const source = createUserTokenSource({ ...shared, ...own });
      return {
        ...withSource(options, source, byUser),
        finish: (...callback) => source.finish(...callback),
      };
    }
  }
}

function withSource(
  { server, serverUrl, fetch: outbound }: CredentialsOptions,
  source: TokenSource,
  subjectOf: Credentials['subjectOf'],
): Credentials {
  return {
    subjectOf,
    outboundFor: (principal) => withTokens({ outbound, serverUrl, source, principal }),
    finish: refuseFinish(server),
  };
}

function refuseFinish(server: string): Credentials['finish'] {
  return async () => {
    const message = `${server}: nobody authorizes the host there`;
    throw new HostError('failed_precondition', message, { facts: { server } });
  };
}

function isShared(): string {
  return '';
}

function byUser({ tenant, subject }: Principal): string {
  return JSON.stringify([tenant, subject]);
}

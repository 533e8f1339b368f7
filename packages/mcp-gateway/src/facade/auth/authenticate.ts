import { HostError } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import type { TokenAccess, TokenVerifier } from './token-verifier.ts';

/**
 * Says who asks, from the `authorization` header and nothing else. Throws `unauthenticated`, `permission_denied` with the
 * fact `scope`, or `overloaded`.
 */
export type FacadeAuthenticate = (
  authorization: string | undefined,
  access: TokenAccess,
) => Promise<Principal>;

/** Who is let in. */
export interface FacadeAuthenticateOptions {
  /** The host's check of its API keys (`mh_…`). Beside issuers it must refuse a call without a key. */
  readonly apiKeys?: (authorization: string | undefined) => Principal;
  /** Access tokens of the configured issuers. */
  readonly tokens?: TokenVerifier;
}

const tokenPattern = /^Bearer ([\x21-\x7e]{1,8192})$/i;

/**
 * API keys and access tokens behind one header. Throws `config_invalid` when nobody would be checked: without either, or
 * when the check of API keys lets everyone in although there are issuers.
 */
export function createFacadeAuthenticate(options: FacadeAuthenticateOptions): FacadeAuthenticate {
  const { apiKeys, tokens } = options;
  if (apiKeys === undefined && tokens === undefined) {
    throw new HostError('config_invalid', 'the façade needs API keys or token issuers');
  }
  if (tokens !== undefined && apiKeys !== undefined && isOpen(apiKeys)) {
    const message = 'the façade has token issuers, so the host needs an API key as well, or none';
    throw new HostError('config_invalid', message);
  }

  return async (authorization, access) => {
    if (tokens === undefined) return apiKeys?.(authorization) ?? refuse();
    if (authorization === undefined) return refuse();
    const token = tokenPattern.exec(authorization)?.[1];
    if (token === undefined) return refuse();
    if (!token.startsWith('mh_')) return tokens(token, access);
    return apiKeys?.(authorization) ?? refuse();
  };
}

/** Whether a call without a key gets in, as on a host without keys. */
function isOpen(apiKeys: (authorization: string | undefined) => Principal): boolean {
  try {
    apiKeys(undefined);
    return true;
  } catch {
    return false;
  }
}

function refuse(): never {
  throw new HostError('unauthenticated', 'send `authorization: Bearer <token>`');
}

import { HostError } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { AnswerHeaders } from './http-answers.ts';

/** What clients are told about getting access. */
export interface ResourceInfo {
  /** How clients reach the listener, without a path; undefined for its own address. Never taken from a request. */
  readonly publicUrl: string | undefined;
  /** Issuers whose access tokens are taken; without any there is no metadata, and clients need an API key. */
  readonly authorizationServers: readonly string[];
  /** Scopes that a client should ask for. */
  readonly scopes: readonly string[];
}

/** The protected-resource metadata of one path (RFC 9728); undefined without authorization servers. */
export function resourceMetadata(info: ResourceInfo, resource: string): JsonObject | undefined {
  if (info.authorizationServers.length === 0) return undefined;
  return {
    resource,
    authorization_servers: info.authorizationServers,
    ...(info.scopes.length === 0 ? {} : { scopes_supported: info.scopes }),
    bearer_methods_supported: ['header'],
  };
}

/** An answer to a request that is not let in. */
export interface AccessRefusal {
  readonly status: number;
  readonly message: string;
  readonly headers: AnswerHeaders;
}

/** How a refusal to let somebody in is answered; undefined for a fault that is not one. */
export function refuseAccess(
  thrown: unknown,
  options: {
    readonly info: ResourceInfo;
    readonly metadataUrl: string;
    /** Whether a credential came along: only then something can be wrong with it (RFC 6750). */
    readonly hasCredential: boolean;
  },
): AccessRefusal | undefined {
  if (!(thrown instanceof HostError)) return undefined;
  const { code, message, facts, retryAfterMs } = thrown;
  if (code === 'unauthenticated') {
    const error = options.hasCredential ? 'invalid_token' : undefined;
    const headers = challenge(options, error, options.info.scopes.join(' '));
    return { status: 401, message, headers };
  }
  if (code === 'permission_denied') {
    const headers = challenge(options, 'insufficient_scope', facts['scope'] ?? '');
    return { status: 403, message, headers };
  }
  if (code !== 'overloaded') return undefined;
  return { status: 503, message, headers: retryAfter(retryAfterMs) };
}

/** The header that says when to come back. */
export function retryAfter(retryAfterMs: number | undefined): AnswerHeaders {
  return { 'retry-after': String(Math.ceil((retryAfterMs ?? 1_000) / 1_000)) };
}

function challenge(
  options: { readonly info: ResourceInfo; readonly metadataUrl: string },
  error: string | undefined,
  scope: string,
): AnswerHeaders {
  const parameters = [
    ...(error === undefined ? [] : [`error="${error}"`]),
    ...(scope === '' ? [] : [`scope="${scope}"`]),
    ...(options.info.authorizationServers.length === 0
      ? []
      : [`resource_metadata="${options.metadataUrl}"`]),
  ];
  const value = parameters.length === 0 ? 'Bearer' : `Bearer ${parameters.join(', ')}`;
  return { 'www-authenticate': value };
}

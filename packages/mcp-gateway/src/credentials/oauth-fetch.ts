import type { FetchLike } from '@modelcontextprotocol/client';
import { HostError } from '@modelhost/kernel';
import type { OutboundFetch } from '../outbound/outbound-fetch.ts';

/**
 * `fetch` for everything of OAuth: over TLS, except on this machine and for what the server says about itself at its own
 * origin. It has no credential of its own.
 */
export function createOAuthFetch(
  server: string,
  serverUrl: string,
  outbound: OutboundFetch,
): FetchLike {
  const { origin } = new URL(serverUrl);
  return async (url, init) => {
    const target = new URL(url);
    const isAboutItself = target.origin === origin && (init?.method ?? 'GET') === 'GET';
    if (!isAboutItself) checkSecure(server, target);
    return await outbound(target, init);
  };
}

/** Throws `mcp_connection_failed` for a URL that is neither https nor http on this machine. */
export function checkSecure(server: string, url: URL): void {
  const { protocol, hostname } = url;
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  if (protocol === 'https:' || (protocol === 'http:' && isHere)) return;
  const message = `${server}: its authorization server is not reached over TLS`;
  const cause = new Error(`${protocol}//${hostname}`);
  throw new HostError('mcp_connection_failed', message, { facts: { server }, cause });
}

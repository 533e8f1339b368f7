import type { IncomingHttpHeaders } from 'node:http';

/** Which names and pages may reach the listener. */
export interface RequestGuardOptions {
  /** Host names, or `name:port` for one port only. Loopback names are always allowed: no page has such a name. */
  readonly allowedHosts: readonly string[];
  /** The name or address that the listener was given; empty while there is none, or when it is every address. */
  readonly ownHost: () => string;
  /** Origins of web pages, such as `https://console.example.com`; a page of the listener's own origin may always ask. */
  readonly allowedOrigins: readonly string[];
}

/** Says why a request is refused before anything else is looked at; undefined for one that is not. */
export type RequestGuard = (headers: IncomingHttpHeaders) => string | undefined;

const loopbackHosts: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
const hostPattern = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,255})(?::\d{1,5})?$/;

/**
 * Keeps web pages of others out that reach us by a name of their own (DNS rebinding) or from a browser (CSRF). It says
 * nothing about who asks: that is never decided by these headers.
 */
export function createRequestGuard(options: RequestGuardOptions): RequestGuard {
  const hosts = new Set([...loopbackHosts, ...options.allowedHosts.map(lowerCase)]);
  const origins = new Set(options.allowedOrigins.map(lowerCase));

  return ({ host, origin }) => {
    const given = lowerCase(host ?? '');
    const name = hostPattern.exec(given)?.[1];
    const isAllowed = name !== undefined && (hosts.has(name) || name === options.ownHost());
    if (!isAllowed && !hosts.has(given)) {
      return 'the Host header names no allowed host';
    }
    if (origin === undefined || origins.has(lowerCase(origin))) return undefined;
    const isOwn = URL.parse(origin)?.host === given;
    return isOwn ? undefined : 'the Origin header names no allowed origin';
  };
}

function lowerCase(text: string): string {
  return text.toLowerCase();
}

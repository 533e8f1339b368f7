import { extractWWWAuthenticateParams } from '@modelcontextprotocol/client';
import type { FetchLike } from '@modelcontextprotocol/client';
import type { Principal } from '@modelhost/kernel';
import type { OutboundFetch, OutboundRequest } from '../outbound/outbound-fetch.ts';
import type { AccessToken, Challenge, TokenSource } from './token-source.ts';

type HeaderFields = Readonly<Record<string, string>>;

/** Whose credential goes along. */
export interface AuthorizedOutboundOptions {
  readonly outbound: OutboundFetch;
  readonly source: TokenSource;
  readonly principal: Principal;
}

/** Adds the same fields to every request. */
export function withHeaders(outbound: OutboundFetch, fields: HeaderFields): OutboundFetch {
  const fetchLike: FetchLike = async (url, init) => {
    return await outbound(url, { ...init, headers: merge(init?.headers, fields) });
  };
  return Object.assign(fetchLike, {
    request: (request: OutboundRequest) =>
      outbound.request({ ...request, headers: { ...request.headers, ...fields } }),
    check: (url: URL) => outbound.check(url),
    close: async () => {},
  });
}

/** Adds the principal's token, and gets a better one for a request that was refused: each reason once. */
export function withTokens(options: AuthorizedOutboundOptions): OutboundFetch {
  const { outbound } = options;
  const never = new AbortController().signal;

  const fetchLike: FetchLike = async (url, init) => {
    return await sendAuthorized(options, init?.signal ?? never, {
      send: (fields) => outbound(url, { ...init, headers: merge(init?.headers, fields) }),
      headersOf: (response) => response.headers,
    });
  };
  return Object.assign(fetchLike, {
    request: (request: OutboundRequest) =>
      sendAuthorized(options, request.signal, {
        send: (fields) =>
          outbound.request({ ...request, headers: { ...request.headers, ...fields } }),
        headersOf: ({ headers }) => new Headers({ ...headers }),
      }),
    check: (url: URL) => outbound.check(url),
    close: async () => {},
  });
}

interface Sending<Answer> {
  readonly send: (fields: HeaderFields) => Promise<Answer>;
  readonly headersOf: (answer: Answer) => Headers;
}

async function sendAuthorized<Answer extends { readonly status: number }>(
  { source, principal }: AuthorizedOutboundOptions,
  signal: AbortSignal,
  { send, headersOf }: Sending<Answer>,
): Promise<Answer> {
  const met = new Set<Challenge['reason']>();
  let token = await source.current(principal, signal);
  for (;;) {
    const answer = await send(toFields(token));
    const challenge = readChallenge(answer.status, () => headersOf(answer));
    // A request that was refused was not executed, so that sending it again is not doing it twice.
    if (challenge === undefined || met.has(challenge.reason)) return answer;
    met.add(challenge.reason);
    token = await source.renew(principal, challenge, token, signal);
  }
}

function toFields(token: AccessToken | undefined): HeaderFields {
  return token === undefined ? {} : { authorization: `Bearer ${token.value}` };
}

function readChallenge(status: number, headers: () => Headers): Challenge | undefined {
  if (status !== 401 && status !== 403) return undefined;
  const response = new Response(null, { status, headers: headers() });
  const { error, scope, resourceMetadataUrl } = extractWWWAuthenticateParams(response);
  if (status === 401) return { reason: 'unauthorized', scope, resourceMetadataUrl };
  if (error !== 'insufficient_scope') return undefined;
  return { reason: 'insufficient-scope', scope, resourceMetadataUrl };
}

function merge(headers: RequestInit['headers'], fields: HeaderFields): Headers {
  const merged = new Headers(headers);
  for (const [name, value] of Object.entries(fields)) merged.set(name, value);
  return merged;
}

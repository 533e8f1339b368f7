import { extractWWWAuthenticateParams, isDpopNonceChallenge } from '@modelcontextprotocol/client';
import type { FetchLike } from '@modelcontextprotocol/client';
import type { Principal } from '@modelhost/kernel';
import type { OutboundFetch, OutboundRequest } from '../outbound/outbound-fetch.ts';
import type { AccessToken, Challenge, TokenSource } from './token-source.ts';

type HeaderFields = Readonly<Record<string, string>>;

/** Whose credential goes along. */
export interface AuthorizedOutboundOptions {
  readonly outbound: OutboundFetch;
  /** As configured. */
  readonly serverUrl: string;
  readonly source: TokenSource;
  readonly principal: Principal;
}

/** Adds the same fields to every request to the origin of the server. */
export function withHeaders(
  outbound: OutboundFetch,
  serverUrl: string,
  fields: HeaderFields,
): OutboundFetch {
  const fetchLike: FetchLike = async (url, init) => {
    if (!isSameOrigin(url, serverUrl)) return await outbound(url, init);
    return await outbound(url, { ...init, headers: merge(init?.headers, fields) });
  };
  return Object.assign(fetchLike, {
    request: (request: OutboundRequest) =>
      outbound.request({ ...request, headers: { ...request.headers, ...fields } }),
    check: (url: URL) => outbound.check(url),
    close: async () => {},
  });
}

/** Adds the principal's token at the origin of the server, and gets a better one for a request that was refused: each reason once. */
export function withTokens(options: AuthorizedOutboundOptions): OutboundFetch {
  const { outbound, serverUrl } = options;
  const never = new AbortController().signal;

  const fetchLike: FetchLike = async (url, init) => {
    if (!isSameOrigin(url, serverUrl)) return await outbound(url, init);
    return await sendAuthorized(options, {
      url: String(url),
      method: init?.method ?? 'GET',
      signal: init?.signal ?? never,
      send: (fields) => outbound(url, { ...init, headers: merge(init?.headers, fields) }),
      headersOf: (response) => response.headers,
    });
  };
  return Object.assign(fetchLike, {
    request: (request: OutboundRequest) =>
      sendAuthorized(options, {
        url: serverUrl,
        method: request.method,
        signal: request.signal,
        send: (fields) =>
          outbound.request({ ...request, headers: { ...request.headers, ...fields } }),
        headersOf: ({ headers }) => new Headers({ ...headers }),
      }),
    check: (url: URL) => outbound.check(url),
    close: async () => {},
  });
}

interface Sending<Answer> {
  readonly url: string;
  readonly method: string;
  readonly signal: AbortSignal;
  readonly send: (fields: HeaderFields) => Promise<Answer>;
  readonly headersOf: (answer: Answer) => Headers;
}

async function sendAuthorized<Answer extends { readonly status: number }>(
  { source, principal }: AuthorizedOutboundOptions,
  sending: Sending<Answer>,
): Promise<Answer> {
  const { url, signal, send, headersOf } = sending;
  const met = new Set<Refusal['reason']>();
  let token = await source.current(principal, signal);
  for (;;) {
    const answer = await send(await toFields(token, sending));
    if (token?.dpop === undefined && answer.status !== 401 && answer.status !== 403) return answer;
    const response = new Response(null, { status: answer.status, headers: headersOf(answer) });
    // A server may give the nonce for the next proof with any answer.
    token?.dpop?.observeNonce(response, url);
    const refusal = readRefusal(response, token);
    // A request that was refused was not executed, so that sending it again is not doing it twice.
    if (refusal === undefined || met.has(refusal.reason)) return answer;
    met.add(refusal.reason);
    if (refusal.reason === 'nonce') continue;
    token = await source.renew(principal, refusal, token, signal);
  }
}

async function toFields(
  token: AccessToken | undefined,
  { method, url }: Pick<Sending<never>, 'method' | 'url'>,
): Promise<HeaderFields> {
  if (token === undefined) return {};
  const { value, dpop } = token;
  if (dpop === undefined) return { authorization: `Bearer ${value}` };
  const proof = await dpop.buildProof({ htm: method, htu: url, accessToken: value });
  return { authorization: `DPoP ${value}`, dpop: proof };
}

/** Why a request was refused; `nonce` wants the same token with another proof. */
type Refusal = Challenge | { readonly reason: 'nonce' };

function readRefusal(response: Response, token: AccessToken | undefined): Refusal | undefined {
  const { status, headers } = response;
  if (status !== 401 && status !== 403) return undefined;
  if (token?.dpop !== undefined && isDpopNonceChallenge(response)) return { reason: 'nonce' };
  const { error, scope, resourceMetadataUrl } = extractWWWAuthenticateParams(response);
  const isDpop = /^dpop\b/i.test(headers.get('www-authenticate') ?? '');
  const said = { scope, resourceMetadataUrl, isDpop };
  if (status === 401) return { reason: 'unauthorized', ...said };
  return error === 'insufficient_scope' ? { reason: 'insufficient-scope', ...said } : undefined;
}

/** No credential goes anywhere else, whoever asks for it. */
function isSameOrigin(one: string | URL, other: string): boolean {
  return new URL(one).origin === new URL(other).origin;
}

function merge(headers: RequestInit['headers'], fields: HeaderFields): Headers {
  const merged = new Headers(headers);
  for (const [name, value] of Object.entries(fields)) merged.set(name, value);
  return merged;
}

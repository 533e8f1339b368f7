import type { FetchLike } from '@modelcontextprotocol/client';
import { HostError, isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { JsonObject, Principal } from '@modelhost/kernel';
import { importPKCS8, SignJWT } from 'jose';
import { createBySubject } from './by-subject.ts';
import type { CredentialSpec } from './credential-spec.ts';
import { refusedCredential, withKnownErrors } from './sdk-token-source.ts';
import { createSingleFlight } from './single-flight.ts';
import { expiryOf, isGood } from './token-source.ts';
import type { AccessToken, TokenSource } from './token-source.ts';

/** Where and for whom tokens are exchanged. */
export interface ExchangeTokenSourceOptions {
  readonly server: string;
  readonly serverUrl: string;
  readonly spec: CredentialSpec & { readonly type: 'token-exchange' };
  readonly oauthFetch: FetchLike;
  readonly now: () => number;
  readonly randomId: () => string;
  readonly subjectOf: (principal: Principal) => string;
}

const subjectTokenLifeSeconds = 60;

/**
 * RFC 8693 at one configured endpoint. The subject token is the host's own signed word about who the user is: what the
 * user came in with stays here.
 */
export function createExchangeTokenSource(options: ExchangeTokenSourceOptions): TokenSource {
  const { server, now, subjectOf } = options;
  const flights = createSingleFlight<AccessToken>();
  const subjects = createBySubject<{ token: AccessToken | undefined }>({
    subjectOf,
    create: () => ({ token: undefined }),
  });

  async function current(principal: Principal, signal: AbortSignal): Promise<AccessToken> {
    const held = subjects.of(principal);
    if (isGood(held.token, now())) return held.token;
    const fetchToken = async (): Promise<AccessToken> => {
      held.token = await withKnownErrors(server, () => exchange(options, principal));
      return held.token;
    };
    return await flights.run(subjectOf(principal), fetchToken, signal);
  }

  return {
    current,
    renew: async (principal, { reason }, refused, signal) => {
      // The scope is the operator's to widen.
      if (reason === 'insufficient-scope') throw refusedCredential(server);
      const held = subjects.of(principal);
      if (held.token === refused) held.token = undefined;
      return await current(principal, signal);
    },
  };
}

async function exchange(
  options: ExchangeTokenSourceOptions,
  principal: Principal,
): Promise<AccessToken> {
  const { spec, server, serverUrl, oauthFetch, now } = options;
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: await signSubjectToken(options, principal),
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    resource: spec.resource ?? serverUrl,
    ...(spec.audience === undefined ? {} : { audience: spec.audience }),
    ...(spec.scope === undefined ? {} : { scope: spec.scope }),
    ...(spec.clientAuthentication === 'basic'
      ? {}
      : { client_id: spec.clientId, client_secret: spec.clientSecret }),
  });
  const response = await oauthFetch(spec.tokenEndpoint, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      ...(spec.clientAuthentication === 'basic' ? { authorization: basicOf(spec) } : {}),
    },
    body: form,
  });
  const text = await response.text();
  if (!response.ok) throw refusedCredential(server, new Error(text.slice(0, 1_000)));
  return readToken(server, parseJsonText(text), spec.scope, now());
}

/** RFC 6749 has id and secret encoded like a form before they are joined. */
function basicOf({ clientId, clientSecret }: ExchangeTokenSourceOptions['spec']): string {
  const encode = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);
  const joined = `${encode(clientId)}:${encode(clientSecret)}`;
  return `Basic ${Buffer.from(joined).toString('base64')}`;
}

async function signSubjectToken(
  { spec, now, randomId }: ExchangeTokenSourceOptions,
  { tenant, subject }: Principal,
): Promise<string> {
  const { privateKeyPem, algorithm } = spec.subjectKey;
  const issuedAt = Math.floor(now() / 1_000);
  return await new SignJWT({ tenant })
    .setProtectedHeader({
      alg: algorithm,
      typ: 'JWT',
      ...(spec.subjectKeyId === undefined ? {} : { kid: spec.subjectKeyId }),
    })
    .setIssuer(spec.subjectIssuer)
    .setSubject(subject)
    .setAudience(spec.tokenEndpoint)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + subjectTokenLifeSeconds)
    .setJti(randomId())
    .sign(await importPKCS8(privateKeyPem, algorithm));
}

function readToken(
  server: string,
  answer: unknown,
  askedScope: string | undefined,
  nowMs: number,
): AccessToken {
  const fields: JsonObject = isJsonObject(answer) ? answer : {};
  const { access_token: value, token_type: type, expires_in: seconds, scope } = fields;
  if (typeof value !== 'string' || typeof type !== 'string' || type.toLowerCase() !== 'bearer') {
    const message = `${server}: the exchange gave no bearer token`;
    throw new HostError('mcp_protocol_error', message, { facts: { server } });
  }
  return {
    value,
    dpop: undefined,
    scope: typeof scope === 'string' ? scope : askedScope,
    expiresAt: expiryOf(typeof seconds === 'number' ? seconds : undefined, nowMs),
  };
}

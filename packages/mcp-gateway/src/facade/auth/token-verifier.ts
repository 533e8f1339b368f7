import { HostError } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import type { JWSAlgorithm, JWTPayload } from 'jose';
import { createKeySet } from './key-set.ts';
import type { KeyFetch, KeySet, KeySetBounds } from './key-set.ts';
import { readClaimText, readClaimTexts, readTenant } from './token-claims.ts';
import { createTokenMemory } from './token-memory.ts';

/** An authorization server whose access tokens count, as the operator configured it. */
export interface TokenIssuer {
  /** Exactly the `iss` of its tokens. */
  readonly issuer: string;
  /** https, or http on loopback. */
  readonly jwksUrl: string;
  /** The `aud` that its tokens must have; undefined for the address of the view that is asked (RFC 8707). */
  readonly audience: string | undefined;
  /** Signature algorithms; asymmetric ones only. */
  readonly algorithms: readonly string[];
  /** Header types that count, such as `at+jwt`; undefined for `at+jwt` and `JWT`. An ID token often has `JWT` too. */
  readonly types?: readonly string[] | undefined;
  /** Tenant of everybody; undefined: the claim says it. */
  readonly tenant: string | undefined;
  readonly tenantClaim: string;
  /** Tenants that the claim may name; undefined for any. Needed where the issuer is not the operator's own. */
  readonly tenants?: readonly string[] | undefined;
  readonly rolesClaim: string;
  /** Roles that the claim may give; undefined for any. */
  readonly roles?: readonly string[] | undefined;
  /** Scopes that every token must have. */
  readonly scopes: readonly string[];
}

/** What a request wants access to. */
export interface TokenAccess {
  /** Address of the view: what a token must be made for. */
  readonly resource: string;
  /** Scopes that the view needs beside those of the issuer. */
  readonly scopes: readonly string[];
}

/** What a verifier needs. */
export interface TokenVerifierOptions {
  readonly issuers: readonly TokenIssuer[];
  readonly fetch: KeyFetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly keySetBounds?: Partial<KeySetBounds>;
}

/**
 * Says who a token is. Throws `unauthenticated`, `permission_denied` with the fact `scope` for a good token that lacks
 * scopes, and `overloaded` when the issuer's keys cannot be had. What it says never tells why a signature failed.
 */
export type TokenVerifier = (token: string, access: TokenAccess) => Promise<Principal>;

const asymmetric: ReadonlySet<string> = new Set(
  'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' '),
);
const defaultTypes: readonly string[] = ['at+jwt', 'JWT'];
const clockSkewSeconds = 30;
const tokenLengthMax = 8_192;
const subjectLengthMax = 255;
const tokensKeptMax = 1_000;
const tokenKeptMs = 60_000;

const defaultKeySetBounds: KeySetBounds = {
  maxAgeMs: 600_000,
  staleAgeMaxMs: 3_600_000,
  cooldownMs: 30_000,
  bytesMax: 262_144,
  keysMax: 64,
};

interface KnownIssuer {
  readonly spec: TokenIssuer;
  readonly keys: KeySet;
}

/** Checks access tokens (RFC 9068) against configured issuers. Throws `config_invalid` for issuers that cannot be safe. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { fetch, now } = options;
  const bounds = { ...defaultKeySetBounds, ...options.keySetBounds };
  const known = new Map<string, KnownIssuer>();
  for (const spec of options.issuers) {
    checkIssuer(spec, known);
    known.set(spec.issuer, { spec, keys: createKeySet({ url: spec.jwksUrl, fetch, now, bounds }) });
  }

  const memory = createTokenMemory({ now, tokensMax: tokensKeptMax, keepMs: tokenKeptMs });

  async function check(
    token: string,
    issuer: KnownIssuer,
    access: TokenAccess,
  ): Promise<JWTPayload> {
    const recalled = memory.recall(token, access.resource);
    if (recalled !== undefined) return recalled;
    const claims = await verify(token, issuer, access, now());
    memory.keep(token, access.resource, claims);
    return claims;
  }

  return async (token, access) => {
    const issuer = token.length > tokenLengthMax ? undefined : known.get(readIssuer(token));
    if (issuer === undefined) throw refused(access);
    const claims = await check(token, issuer, access);
    const principal = toPrincipal(claims, issuer.spec);
    if (principal === undefined) throw refused(access);
    checkScopes(claims, [...issuer.spec.scopes, ...access.scopes]);
    return principal;
  };
}

function checkIssuer(spec: TokenIssuer, known: ReadonlyMap<string, KnownIssuer>): void {
  const wrong = spec.algorithms.filter((algorithm) => !asymmetric.has(algorithm));
  if (spec.algorithms.length === 0 || wrong.length > 0) {
    const message = `${spec.issuer}: algorithms must be asymmetric, such as RS256, ES256 or EdDSA`;
    throw new HostError('config_invalid', message);
  }
  if (known.has(spec.issuer)) {
    throw new HostError('config_invalid', `${spec.issuer}: the issuer is configured twice`);
  }
  const url = URL.parse(spec.jwksUrl);
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url?.hostname ?? '');
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && isLoopback)) {
    throw new HostError('config_invalid', `${spec.issuer}: its keys must come over https`);
  }
}

/** Nothing of this is believed before the signature is: it only chooses the keys. */
function readIssuer(token: string): string {
  try {
    return decodeJwt(token).iss ?? '';
  } catch {
    return '';
  }
}

async function verify(
  token: string,
  { spec, keys }: KnownIssuer,
  access: TokenAccess,
  nowMs: number,
): Promise<JWTPayload> {
  try {
    const type = decodeProtectedHeader(token)
      .typ?.replace(/^application\//i, '')
      .toLowerCase();
    const types = (spec.types ?? defaultTypes).map((known) => known.toLowerCase());
    if (type === undefined || !types.includes(type)) throw refused(access);
    const { payload } = await jwtVerify(token, keys.keyFor, {
      // `checkIssuer` saw that each is one that jose knows.
      algorithms: [...spec.algorithms] as JWSAlgorithm[],
      issuer: spec.issuer,
      audience: spec.audience ?? access.resource,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: clockSkewSeconds,
      currentDate: new Date(nowMs),
    });
    return payload;
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    throw refused(access, cause);
  }
}

/** A subject is unique at its issuer only, so the issuer is part of it: nobody is somebody else's namesake. */
function toPrincipal(claims: JWTPayload, spec: TokenIssuer): Principal | undefined {
  const tenant = readTenant(claims, spec);
  const subject = readClaimText(claims, 'sub');
  if (tenant === undefined || subject === undefined || subject.length > subjectLengthMax) {
    return undefined;
  }
  const roles = readClaimTexts(claims, spec.rolesClaim).filter(
    (role) => spec.roles === undefined || spec.roles.includes(role),
  );
  return { tenant, subject: `${spec.issuer}#${subject}`, roles };
}

function checkScopes(claims: JWTPayload, wanted: readonly string[]): void {
  const given = new Set([...readClaimTexts(claims, 'scope'), ...readClaimTexts(claims, 'scp')]);
  const missing = wanted.filter((scope) => !given.has(scope));
  if (missing.length === 0) return;
  const scope = [...new Set(wanted)].join(' ');
  throw new HostError(
    'permission_denied',
    `the access token lacks a scope; get one with the scopes: ${scope}`,
    { facts: { scope } },
  );
}

function refused(access: TokenAccess, cause?: unknown): HostError {
  const message = `the access token is not valid here; get a new one for the resource ${access.resource}`;
  return new HostError('unauthenticated', message, { cause });
}

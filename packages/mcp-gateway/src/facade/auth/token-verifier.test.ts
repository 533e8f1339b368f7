import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { suite, test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { exportJWK, SignJWT } from 'jose';
import type { JWTPayload } from 'jose';
import { createTokenVerifier } from './token-verifier.ts';
import type { TokenIssuer, TokenVerifier } from './token-verifier.ts';

const nowMs = Date.UTC(2026, 10, 25);
const nowSeconds = nowMs / 1_000;
const access = { resource: 'https://gateway.example.com/mcp', scopes: [] };
const issuer: TokenIssuer = {
  issuer: 'https://idp.example.com/realm',
  jwksUrl: 'https://idp.example.com/realm/keys',
  audience: undefined,
  algorithms: ['RS256', 'ES256'],
  tenant: undefined,
  tenantClaim: 'tenant',
  rolesClaim: 'realm_access.roles',
  scopes: [],
};
const goodClaims: JWTPayload = {
  iss: issuer.issuer,
  aud: access.resource,
  sub: 'ann',
  exp: nowSeconds + 300,
  tenant: 'acme',
  realm_access: { roles: ['reader', 'admin'] },
  scope: 'mcp:use mcp:tools',
};
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2_048 });

async function keySetOf(...keys: readonly (readonly [string, KeyObject])[]): Promise<string> {
  const jwks = keys.map(async ([kid, key]) => ({ ...(await exportJWK(key)), kid, use: 'sig' }));
  return JSON.stringify({ keys: await Promise.all(jwks) });
}

interface TestIssuer {
  readonly verify: TokenVerifier;
  /** How often the keys were fetched. */
  readonly fetches: () => number;
}

async function createIssuer(spec: Partial<TokenIssuer> = {}): Promise<TestIssuer> {
  const keys = await keySetOf(['k1', publicKey]);
  let fetches = 0;
  const verify = createTokenVerifier({
    issuers: [{ ...issuer, ...spec }],
    now: () => nowMs,
    fetch: async () => {
      fetches += 1;
      return new Response(keys);
    },
  });
  return { verify, fetches: () => fetches };
}

async function sign(
  claims: JWTPayload,
  header: { readonly alg?: string; readonly kid?: string; readonly typ?: string } = {},
  key: KeyObject = privateKey,
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: 'k1', typ: 'at+jwt', ...header })
    .sign(key);
}

/** A token with any header and any signature. */
function forge(header: object, claims: object, signature: (input: string) => Buffer): string {
  const encode = (value: object): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${signature(input).toString('base64url')}`;
}

async function refusalOf(promise: Promise<unknown>): Promise<HostError> {
  const thrown = await promise.then(
    () => assert.fail('the token was taken'),
    (cause: unknown) => cause,
  );
  assert.ok(thrown instanceof HostError);
  return thrown;
}

suite('access tokens', () => {
  test('a good one says tenant, subject and roles; the subject is its issuer’s own', async () => {
    const { verify } = await createIssuer();
    assert.deepEqual(await verify(await sign(goodClaims), access), {
      tenant: 'acme',
      subject: 'https://idp.example.com/realm#ann',
      roles: ['reader', 'admin'],
    });
  });

  test('abuse A15: every wrong token is refused, all with the same words', async () => {
    const { verify } = await createIssuer();
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const hmac = (secret: string) => (input: string) =>
      createHmac('sha256', secret).update(input).digest();
    const nothing = (): Buffer => Buffer.alloc(0);
    const header = { kid: 'k1', typ: 'at+jwt' };
    const good = await sign(goodClaims);
    const tokens: Readonly<Record<string, string>> = {
      'wrong audience': await sign({ ...goodClaims, aud: 'https://other.example.com/mcp' }),
      'another view': await sign({ ...goodClaims, aud: `${access.resource}/admin` }),
      'no audience': await sign(without('aud')),
      'wrong issuer': await sign({ ...goodClaims, iss: 'https://evil.example.com' }),
      'no issuer': await sign(without('iss')),
      expired: await sign({ ...goodClaims, exp: nowSeconds - 61 }),
      'without an end': await sign(without('exp')),
      'not yet': await sign({ ...goodClaims, nbf: nowSeconds + 61 }),
      'no subject': await sign(without('sub')),
      'alg none': forge({ ...header, alg: 'none' }, goodClaims, nothing),
      'alg None': forge({ ...header, alg: 'None' }, goodClaims, nothing),
      'HS256 with the RSA key': forge({ ...header, alg: 'HS256' }, goodClaims, hmac(pem)),
      'HS256 with nothing': forge({ ...header, alg: 'HS256' }, goodClaims, hmac('')),
      'an algorithm that is not allowed': await sign(goodClaims, { alg: 'PS256' }),
      'signed by somebody else': await sign(goodClaims, {}, stranger.privateKey),
      'a key that is not there': await sign(goodClaims, { kid: 'k2' }),
      'a changed claim': changeClaim(good, { ...goodClaims, tenant: 'globex' }),
      'no signature': `${good.split('.').slice(0, 2).join('.')}.`,
      'an ID token': await sign(goodClaims, { typ: 'id+jwt' }),
      'no tenant': await sign(without('tenant')),
      'a tenant that is no name': await sign({ ...goodClaims, tenant: '../acme' }),
      'a tenant that is a list': await sign({ ...goodClaims, tenant: ['acme'] }),
      'too long': `${good}${'x'.repeat(10_000)}`,
      'no token': 'nothing',
      empty: '',
    };
    for (const [what, token] of Object.entries(tokens)) {
      const refusal = await refusalOf(verify(token, access));
      assert.equal(refusal.code, 'unauthenticated', what);
      assert.equal(
        refusal.message,
        `the access token is not valid here; get a new one for the resource ${access.resource}`,
        what,
      );
    }
  });

  test('the clocks of issuer and host may differ a little', async () => {
    const { verify } = await createIssuer();
    const late = { ...goodClaims, exp: nowSeconds - 20, nbf: nowSeconds + 20 };
    assert.equal((await verify(await sign(late), access)).tenant, 'acme');
  });

  test('an audience of several counts when ours is among them, and a configured one instead of ours', async () => {
    const { verify } = await createIssuer();
    const several = await sign({ ...goodClaims, aud: ['https://a.example.com', access.resource] });
    assert.equal((await verify(several, access)).tenant, 'acme');
    const configured = await createIssuer({ audience: 'model-host' });
    const token = await sign({ ...goodClaims, aud: 'model-host' });
    assert.equal((await configured.verify(token, access)).tenant, 'acme');
    assert.equal(
      (await refusalOf(configured.verify(await sign(goodClaims), access))).code,
      'unauthenticated',
    );
  });

  test('an issuer speaks for its own tenants and roles only', async () => {
    const limited = await createIssuer({ tenants: ['acme'], roles: ['reader'] });
    const taken = await limited.verify(await sign(goodClaims), access);
    assert.deepEqual(taken.roles, ['reader']);
    const other = await sign({ ...goodClaims, tenant: 'globex' });
    assert.equal((await refusalOf(limited.verify(other, access))).code, 'unauthenticated');
    const fixed = await createIssuer({ tenant: 'initech' });
    assert.equal((await fixed.verify(other, access)).tenant, 'initech');
  });

  test('a good token without the scopes says which ones to get', async () => {
    const { verify } = await createIssuer({ scopes: ['mcp:use'] });
    const token = await sign(goodClaims);
    await verify(token, { ...access, scopes: ['mcp:tools'] });
    const refusal = await refusalOf(verify(token, { ...access, scopes: ['mcp:admin'] }));
    assert.equal(refusal.code, 'permission_denied');
    assert.equal(refusal.facts['scope'], 'mcp:use mcp:admin');
    const list = await sign({ ...without('scope'), scp: ['mcp:use', 'mcp:admin'] });
    await verify(list, { ...access, scopes: ['mcp:admin'] });
  });

  test('keys of an elliptic curve count as well', async () => {
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keys = await keySetOf(['k1', publicKey], ['e1', curve.publicKey]);
    const verify = createTokenVerifier({
      issuers: [issuer],
      now: () => nowMs,
      fetch: async () => new Response(keys),
    });
    const token = await sign(goodClaims, { alg: 'ES256', kid: 'e1' }, curve.privateKey);
    assert.equal((await verify(token, access)).tenant, 'acme');
  });

  test('a token that was found right is not believed beyond its end, its keys or its resource', async () => {
    let nowAtMs = nowMs;
    let keys = await keySetOf(['k1', publicKey]);
    const verify = createTokenVerifier({
      issuers: [issuer],
      now: () => nowAtMs,
      fetch: async () => new Response(keys),
      keySetBounds: { maxAgeMs: 1, cooldownMs: 0 },
    });
    const token = await sign(goodClaims);
    const other = { ...access, resource: `${access.resource}/admin` };
    const isRefused = async (wanted = access): Promise<boolean> =>
      verify(token, wanted).then(
        () => false,
        (cause: unknown) => cause instanceof HostError && cause.code === 'unauthenticated',
      );
    assert.deepEqual(
      [await isRefused(), await isRefused(other), await isRefused()],
      [false, true, false],
    );
    // The issuer withdraws the key: a minute later the token is worth nothing.
    keys = await keySetOf(['k1', stranger.publicKey]);
    nowAtMs = nowMs + 60_000;
    assert.equal(await isRefused(), true);
    keys = await keySetOf(['k1', publicKey]);
    nowAtMs += 1;
    assert.equal(await isRefused(), false);
    nowAtMs = nowMs + 300_000 + 31_000;
    assert.equal(await isRefused(), true);
  });

  test('nothing is fetched for a token of an issuer that is not configured', async () => {
    const { verify, fetches } = await createIssuer();
    await refusalOf(verify(await sign({ ...goodClaims, iss: 'https://evil.example.com' }), access));
    await refusalOf(verify('a.b.c', access));
    assert.equal(fetches(), 0);
  });

  test('issuers that cannot be safe are refused when the verifier is made', () => {
    const wrong: readonly Partial<TokenIssuer>[] = [
      { algorithms: ['HS256'] },
      { algorithms: ['none'] },
      { algorithms: ['RS256', 'HS512'] },
      { algorithms: [] },
      { jwksUrl: 'http://idp.example.com/keys' },
      { jwksUrl: 'file:///etc/keys' },
      { jwksUrl: 'http://localhost.evil.example.com/keys' },
    ];
    const make = (...issuers: readonly TokenIssuer[]): TokenVerifier =>
      createTokenVerifier({ issuers, now: () => nowMs, fetch: async () => new Response() });
    for (const spec of wrong) {
      assert.throws(() => make({ ...issuer, ...spec }), { code: 'config_invalid' });
    }
    assert.throws(() => make(issuer, issuer), { code: 'config_invalid' });
    make({ ...issuer, jwksUrl: 'http://127.0.0.1:9999/keys' });
  });
});

function without(claim: string): JWTPayload {
  const { [claim]: _left, ...rest } = goodClaims;
  return rest;
}

function changeClaim(token: string, claims: JWTPayload): string {
  const [header = '', , signature = ''] = token.split('.');
  return `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
}

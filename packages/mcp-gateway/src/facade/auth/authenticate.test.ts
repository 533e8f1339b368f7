import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import { createFacadeAuthenticate } from './authenticate.ts';

const access = { resource: 'https://gateway.example.com/mcp', scopes: [] };
const local: Principal = { tenant: 'default', subject: 'local', roles: ['admin'] };
const keyHolder: Principal = { tenant: 'acme', subject: 'script', roles: [] };
const tokenHolder: Principal = { tenant: 'acme', subject: 'idp#ann', roles: [] };

function apiKeys(authorization: string | undefined): Principal {
  if (authorization === 'Bearer mh_abcd_secret') return keyHolder;
  throw new HostError('unauthenticated', 'the API key is not valid');
}

async function tokens(token: string): Promise<Principal> {
  if (token === 'good') return tokenHolder;
  throw new HostError('unauthenticated', 'the access token is not valid here');
}

suite('who asks', () => {
  test('API keys and access tokens come in the same header', async () => {
    const authenticate = createFacadeAuthenticate({ apiKeys, tokens });
    assert.equal(await authenticate('Bearer mh_abcd_secret', access), keyHolder);
    assert.equal(await authenticate('Bearer good', access), tokenHolder);
    assert.equal(await authenticate('bearer good', access), tokenHolder);
  });

  test('everything else is refused', async () => {
    const authenticate = createFacadeAuthenticate({ apiKeys, tokens });
    const wrong = [
      undefined,
      '',
      'good',
      'Basic good',
      'Bearer',
      'Bearer ',
      'Bearer  good',
      'Bearer good, Bearer good',
      'Bearer good\n',
      'Bearer mh_abcd_wrong',
      'Bearer mh_good',
      `Bearer ${'x'.repeat(9_000)}`,
    ];
    for (const authorization of wrong) {
      await assert.rejects(authenticate(authorization, access), { code: 'unauthenticated' });
    }
  });

  test('a key is no token and a token is no key', async () => {
    const onlyTokens = createFacadeAuthenticate({ tokens: async () => tokenHolder });
    await assert.rejects(onlyTokens('Bearer mh_abcd_secret', access), { code: 'unauthenticated' });
    const onlyKeys = createFacadeAuthenticate({ apiKeys });
    await assert.rejects(onlyKeys('Bearer good', access), { code: 'unauthenticated' });
  });

  test('abuse A7: nobody is let in by default', async () => {
    assert.throws(() => createFacadeAuthenticate({}), { code: 'config_invalid' });
    // A host without keys lets everybody in; beside issuers that would be a way around them.
    assert.throws(() => createFacadeAuthenticate({ apiKeys: () => local, tokens }), {
      code: 'config_invalid',
    });
    const open = createFacadeAuthenticate({ apiKeys: () => local });
    assert.equal(await open(undefined, access), local);
  });
});

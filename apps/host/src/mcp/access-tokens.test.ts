import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { askMcp } from '../fixtures/mcp-request.ts';
import { startTestHost } from '../fixtures/started-host.ts';
import type { StartedHost } from '../fixtures/started-host.ts';

const issuer = 'https://login.example.com';

suite('access tokens of an issuer', () => {
  const state: { started?: StartedHost; key?: CryptoKey } = {};
  const keys = createServer();

  before(async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256' };
    keys.on('request', (_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ keys: [jwk] }));
    });
    await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
    // A listener on TCP has an address of this kind.
    const { port } = keys.address() as AddressInfo;
    state.key = privateKey;
    state.started = await startTestHost({
      mcp: {
        port: 0,
        issuers: [
          { issuer, jwksUrl: `http://127.0.0.1:${port}/keys`, tenants: ['acme'], roles: ['lead'] },
        ],
      },
    });
  });

  after(async () => {
    await state.started?.[Symbol.asyncDispose]();
    await new Promise((resolve) => keys.close(resolve));
  });

  async function statusFor(claims: object, audience?: string): Promise<number> {
    const { started, key } = state;
    const url = `http://${started?.host.mcpAddress}/mcp`;
    const token = await new SignJWT({ tenant: 'acme', ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'one', typ: 'at+jwt' })
      .setIssuer(issuer)
      .setSubject('dora')
      .setAudience(audience ?? url)
      .setExpirationTime('5m')
      .sign(key ?? assert.fail());
    const response = await askMcp(url, 'tools/list', { bearer: token });
    await response.text();
    return response.status;
  }

  test('a token for this address is taken, and its keys come from the issuer', async () => {
    assert.equal(await statusFor({}), 200);
  });

  test('a token for another address, or of a tenant that is not the issuer’s, is refused', async () => {
    assert.equal(await statusFor({}, 'https://other.example.com/mcp'), 401);
    assert.equal(await statusFor({ tenant: 'beta' }), 401);
  });
});

test('a host whose port for MCP clients is taken does not start, and nothing of it stays', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  // A listener on TCP has an address of this kind.
  const { port } = other.address() as AddressInfo;
  await assert.rejects(startTestHost({ mcp: { port } }), {
    code: 'config_invalid',
    message: /the host cannot listen here/,
  });
  await new Promise((resolve) => other.close(resolve));
});

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HostError } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import { readAuthorizationUrl } from './authorization-required.ts';
import type { CredentialSpec } from './credential-spec.ts';
import { authorize, createWorld, userOAuth, userOf } from './fixtures/credential-world.ts';
import type { CredentialWorld } from './fixtures/credential-world.ts';
import {
  clientCredentials,
  enterpriseManaged,
  hostKey as key,
  tokenExchange,
} from './fixtures/machine-specs.ts';
import type { SpecAt } from './fixtures/machine-specs.ts';
import { listenHttp } from '../outbound/fixtures/http-listener.ts';

const ann = userOf('ann');

test('abuse A13: an authorization endpoint that is not of the web, or not over TLS, is never shown', async (t) => {
  for (const endpoint of [
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'vbscript:x',
    'http://sso.example/authorize',
    'ms-settings:x',
    'a:$(touch owned)?response_type=code',
    '-oProxyCommand=x',
    '',
  ]) {
    const world = await createWorld(t);
    world.authorization.behave.metadata = { authorization_endpoint: endpoint };
    const thrown = await world.ask(ann).catch((error: unknown) => error);
    assert.ok(thrown instanceof HostError, endpoint);
    assert.equal(thrown.code, 'mcp_connection_failed');
    assert.equal(readAuthorizationUrl(thrown), undefined);
    assert.deepEqual(Object.keys(thrown.facts), ['server']);
  }
});

test('abuse A13: what is shown is a URL, whatever the endpoint has in it', async (t) => {
  const world = await createWorld(t);
  const endpoint = 'https://127.0.0.1/a"; $(id) `id`?x=%0d%0a|calc';
  world.authorization.behave.metadata = { authorization_endpoint: endpoint };
  const url = await world.refusedUrl(ann);
  assert.doesNotMatch(url, /[\s"`]/);
  assert.equal(new URL(url).origin, 'https://127.0.0.1');
});

test('abuse A13: neither credentials nor the way out can start a program', async () => {
  for (const folder of ['.', '../outbound']) {
    const directory = new URL(`${folder}/`, import.meta.url);
    const names = (await readdir(directory)).filter((name) => /^(?!.*\.test).*\.ts$/.test(name));
    assert.ok(names.length > 5);
    for (const name of names) {
      assert.doesNotMatch(
        await readFile(new URL(name, directory), 'utf8'),
        /child_process|worker_th/,
      );
    }
  }
});

test('abuse A14: what a server says about its authorization goes through the same guard', async (t) => {
  const inner = await listenHttp(t, (_request, response) => void response.end('{}'));
  const innerUrl = inner.origin;
  const outbound = { allowPrivateNetwork: false };
  const metadata = await createWorld(t, { outbound });
  metadata.server.behave.metadata = { authorization_servers: [innerUrl] };
  await assert.rejects(metadata.ask(ann), HostError);

  // Everything is at the origin that the operator allowed, except what the case is about.
  for (const name of ['authorization_endpoint', 'registration_endpoint', 'token_endpoint']) {
    const clientMetadataUrl = 'https://host.example/client.json';
    const world = await createWorld(t, {
      outbound,
      spec: () => ({ ...userOAuth, clientMetadataUrl }),
    });
    const { server, authorization } = world;
    const own = new URL(server.url).origin;
    server.behave.metadata = { authorization_servers: [own] };
    server.behave.authorizationMetadata = {
      issuer: own,
      authorization_endpoint: `${own}/authorize`,
      token_endpoint: `${own}/token`,
      registration_endpoint: `${own}/register`,
      response_types_supported: ['code'],
      client_id_metadata_document_supported: name !== 'registration_endpoint',
      [name]: `${innerUrl}/x`,
    };
    const url = await world.ask(ann).catch((error: unknown) => readAuthorizationUrl(error));
    const callback = { state: 'notes.id-1', code: 'x', iss: own };
    if (typeof url === 'string')
      await assert.rejects(world.credentials.finish(ann, callback), HostError);
    assert.equal(typeof url === 'string', name === 'token_endpoint', name);
    assert.equal(authorization.tokenRequests.length, 0);
  }
  assert.equal(inner.connections(), 0);
});

// Any file will do as an assertion here.
const assertionFile = fileURLToPath(new URL('credential-spec.ts', import.meta.url));
const everySpec: readonly SpecAt[] = [
  () => ({ type: 'none' }),
  () => ({ type: 'static', header: 'authorization', value: 'Bearer configured' }),
  clientCredentials,
  ({ issuer }) => ({ type: 'private-key-jwt', issuer, clientId: 'c', key }),
  ({ issuer }) => ({ type: 'workload-identity', issuer, clientId: 'c', assertionFile }),
  () => userOAuth,
  tokenExchange,
  enterpriseManaged,
];

/** A world in which a user needs to do nothing more. */
async function openReady(
  t: TestContext,
  spec: SpecAt,
  user: Principal,
): Promise<CredentialWorld & { readonly type: CredentialSpec['type'] }> {
  const world = await createWorld(t, { spec, more: { idTokenFor: async () => 'id-token' } });
  const { type } = spec(world.authorization);
  world.authorization.behave.idJag = type === 'enterprise-managed';
  if (type === 'user-oauth') await authorize(world, user);
  return { ...world, type };
}

test('abuse A15: the inbound token never reaches an upstream or its authorization server', async (t) => {
  const inbound = 'inbound-token-of-the-caller';
  // Whatever an edge may one day put on a principal beside what its type has.
  const caller = { ...ann, token: inbound, headers: { authorization: `Bearer ${inbound}` } };
  for (const spec of everySpec) {
    const world = await openReady(t, spec, caller);
    const { type } = world;
    const answer = await world.ask(caller);
    const isAccepted = type !== 'none' && type !== 'static';
    assert.equal(answer.status, isAccepted ? 200 : 401, type);
    const seen = JSON.stringify([world.server.heard, world.authorization.tokenRequests]);
    assert.ok(world.server.heard.length > 0);
    assert.doesNotMatch(seen, new RegExp(inbound), type);
    assert.doesNotMatch(seen, new RegExp(Buffer.from(inbound).toString('base64url').slice(2, -2)));
  }
});

test('abuse A15: a credential goes to the origin of its server and nowhere else', async (t) => {
  const heard: unknown[] = [];
  const other = await listenHttp(t, ({ headers }, response) => {
    heard.push(headers.authorization);
    response.end();
  });
  for (const spec of everySpec) {
    const world = await openReady(t, spec, ann);
    await world.ask(ann);
    const outbound = world.credentials.outboundFor(ann);
    await outbound(other.origin, { headers: { accept: '*/*' } });
  }
  assert.deepEqual(new Set(heard), new Set([undefined]));
  assert.equal(heard.length, everySpec.length);
});

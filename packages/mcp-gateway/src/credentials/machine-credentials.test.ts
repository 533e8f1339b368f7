import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { HostError } from '@modelhost/kernel';
import { jwtVerify } from 'jose';
import type { CredentialSpec } from './credential-spec.ts';
import { createWorld, userOf } from './fixtures/credential-world.ts';
import {
  clientCredentials,
  enterpriseManaged,
  hostKey,
  hostPublicKey,
  tokenExchange,
} from './fixtures/machine-specs.ts';

const ann = userOf('ann');
const bob = userOf('bob');

function basicOf(text: string): string {
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

test('without a credential requests go out as they are', async (t) => {
  const world = await createWorld(t, { spec: () => ({ type: 'none' }) });
  assert.equal((await world.ask(ann)).status, 401);
  assert.equal(world.server.heard.length, 1);
  assert.equal(world.server.heard[0]?.['authorization'], undefined);
  assert.equal(world.credentials.subjectOf(ann), world.credentials.subjectOf(bob));
  await assert.rejects(world.credentials.finish(ann, { state: '', code: '' }), HostError);
});

test('a static credential goes with every request, and in the way of the SDK too', async (t) => {
  const spec: CredentialSpec = { type: 'static', header: 'X-Api-Key', value: 'k-1' };
  const world = await createWorld(t, { spec: () => spec });
  await world.ask(ann);
  await world.credentials.outboundFor(bob)(world.server.url, { headers: { 'x-api-key': 'mine' } });
  assert.deepEqual(
    world.server.heard.map((headers) => headers['x-api-key']),
    ['k-1', 'k-1'],
  );
  assert.equal(world.credentials.subjectOf(ann), world.credentials.subjectOf(bob));
});

test('client credentials get one token for everybody, and another when it is over', async (t) => {
  const world = await createWorld(t, { spec: clientCredentials });
  const { tokenRequests } = world.authorization;
  const statuses = await Promise.all(
    [ann, bob, ann].map(async (who) => (await world.ask(who)).status),
  );
  assert.deepEqual(statuses, [200, 200, 200]);
  assert.equal(tokenRequests.length, 1);
  assert.equal(tokenRequests[0]?.authorization, basicOf('c:s'));
  assert.equal(tokenRequests[0]?.form['resource'], world.server.url);
  world.clock.nowMs += 3_600_000;
  const refusals = world.server.heard.length;
  assert.equal((await world.ask(ann)).status, 200);
  // It was known to be too old, so that the server was not asked with it.
  assert.equal(world.server.heard.length, refusals + 1);
  assert.equal(tokenRequests.length, 2);
});

test('client credentials ask for more scope once, and give up when that does not help', async (t) => {
  const world = await createWorld(t, { spec: clientCredentials });
  await world.ask(ann);
  world.server.behave.scope = 'read';
  assert.equal((await world.ask(ann)).status, 200);
  assert.equal(world.authorization.tokenRequests.at(-1)?.form['scope'], 'read');
  for (const value of world.authorization.live.keys()) world.authorization.live.set(value, '');
  await assert.rejects(world.ask(ann), /it refused the configured credential/);
  assert.equal(world.authorization.tokenRequests.length, 2);
});

test('a secret goes to the configured issuer only, whomever the server names', async (t) => {
  const client = { issuer: 'https://sso.example', clientId: 'c' };
  const specs: readonly CredentialSpec[] = [
    { ...client, type: 'client-credentials', clientSecret: 's' },
    { ...client, type: 'private-key-jwt', key: hostKey },
    { ...client, type: 'workload-identity', assertionFile: import.meta.filename },
  ];
  for (const spec of specs) {
    const world = await createWorld(t, { spec: () => spec });
    await assert.rejects(world.ask(ann), /notes: its authorization server gave no token/);
    assert.equal(world.authorization.tokenRequests.length, 0);
  }
});

test('a signed assertion proves who the host is', async (t) => {
  const world = await createWorld(t, {
    spec: ({ issuer }) => ({ type: 'private-key-jwt', issuer, clientId: 'c', key: hostKey }),
  });
  assert.equal((await world.ask(ann)).status, 200);
  const [request] = world.authorization.tokenRequests;
  const { payload } = await jwtVerify(request?.form['client_assertion'] ?? '', hostPublicKey);
  assert.deepEqual([payload.iss, payload.sub], ['c', 'c']);
  assert.equal(payload.aud, world.authorization.issuer);
});

test('the platform gives an assertion, which is read anew for every token', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'workload-'));
  t.after(() => rm(folder, { recursive: true }));
  const assertionFile = join(folder, 'token');
  const world = await createWorld(t, {
    spec: ({ issuer }) => ({ type: 'workload-identity', issuer, clientId: 'c', assertionFile }),
  });
  await assert.rejects(world.ask(ann), /its authorization server gave no token/);
  await writeFile(assertionFile, 'first\n');
  assert.equal((await world.ask(ann)).status, 200);
  world.authorization.live.clear();
  await writeFile(assertionFile, 'second\n');
  assert.equal((await world.ask(ann)).status, 200);
  const forms = world.authorization.tokenRequests.map(({ form }) => form);
  assert.deepEqual(
    forms.map(({ assertion }) => assertion),
    ['first', 'second'],
  );
  const type = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  assert.deepEqual([forms[0]?.['grant_type'], forms[0]?.['client_id']], [type, 'c']);
});

test('a token is exchanged for each user, for the word of the host about who that is', async (t) => {
  const world = await createWorld(t, {
    spec: ({ issuer }) => ({
      type: 'token-exchange',
      tokenEndpoint: `${issuer}/token`,
      clientId: 'c d',
      clientSecret: 's:+',
      clientAuthentication: 'basic',
      subjectKey: hostKey,
      subjectKeyId: 'k1',
      subjectIssuer: 'https://host.example',
      audience: 'notes-api',
      scope: 'read',
    }),
  });
  const { tokenRequests } = world.authorization;
  await Promise.all([world.ask(ann), world.ask(bob), world.ask(ann)]);
  assert.equal((await world.ask(ann)).status, 200);
  assert.equal(tokenRequests.length, 2);
  assert.notEqual(world.credentials.subjectOf(ann), world.credentials.subjectOf(bob));
  const subjects = await Promise.all(
    tokenRequests.map(async ({ form, authorization }) => {
      assert.equal(authorization, basicOf('c+d:s%3A%2B'));
      assert.equal(form['resource'], world.server.url);
      assert.deepEqual([form['audience'], form['scope']], ['notes-api', 'read']);
      const currentDate = new Date(world.clock.nowMs);
      const bounds = { currentDate, audience: `${world.authorization.issuer}/token` };
      const { payload, protectedHeader } = await jwtVerify(
        form['subject_token'] ?? '',
        hostPublicKey,
        bounds,
      );
      assert.equal(protectedHeader.kid, 'k1');
      assert.deepEqual([payload.iss, payload['tenant']], ['https://host.example', 'acme']);
      assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 60);
      return payload.sub;
    }),
  );
  assert.deepEqual(new Set(subjects), new Set(['ann', 'bob']));

  world.authorization.live.clear();
  assert.equal((await world.ask(ann)).status, 200);
  assert.equal(tokenRequests.length, 3);
  world.clock.nowMs += 3_600_000;
  assert.equal((await world.ask(ann)).status, 200);
  assert.equal(tokenRequests.length, 4);
});

test('an exchange that fails says nothing of what the endpoint wrote', async (t) => {
  const world = await createWorld(t, { spec: tokenExchange });
  world.authorization.behave.tokenError = { error: 'invalid_target', error_description: 'secret' };
  const thrown = await world.ask(ann).catch((error: unknown) => error);
  assert.ok(thrown instanceof HostError);
  assert.equal(thrown.message, 'notes: it refused the configured credential');
  assert.equal(world.authorization.tokenRequests[0]?.form['client_secret'], 's');
  assert.equal(world.server.heard.length, 0);
});

test('an exchange that gives something else than a bearer token gives none', async (t) => {
  const world = await createWorld(t, { spec: tokenExchange });
  world.authorization.behave.idJag = true;
  const isRefused = {
    code: 'mcp_protocol_error',
    message: 'notes: the exchange gave no bearer token',
  };
  await assert.rejects(world.ask(ann), isRefused);
  assert.equal(world.server.heard.length, 0);
});

test('an enterprise gives a token for its own ID token, in two steps', async (t) => {
  const idTokenFor = async ({ subject }: { readonly subject: string }) => `id-token-of-${subject}`;
  const world = await createWorld(t, { spec: enterpriseManaged, more: { idTokenFor } });
  world.authorization.behave.idJag = true;
  assert.equal((await world.ask(ann)).status, 200);
  const [first, second] = world.authorization.tokenRequests;
  assert.equal(first?.form['subject_token'], 'id-token-of-ann');
  assert.equal(first?.form['audience'], world.authorization.issuer);
  assert.equal(second?.form['grant_type'], 'urn:ietf:params:oauth:grant-type:jwt-bearer');
  assert.equal(second?.authorization, basicOf('c:s'));
  await assert.rejects(createWorld(t, { spec: enterpriseManaged }), (error) => {
    return error instanceof HostError && error.code === 'config_invalid';
  });
});

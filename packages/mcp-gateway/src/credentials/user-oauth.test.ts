import assert from 'node:assert/strict';
import test from 'node:test';
import { HostError } from '@modelhost/kernel';
import { toAuthorizationOutcome, withoutAuthorizationAnswer } from './authorization-required.ts';
import { createAuthorizations } from './authorizations.ts';
import { listenAuthorization } from './fixtures/authorization-server.ts';
import { readProof } from './fixtures/dpop-proof.ts';
import {
  authorize,
  createWorld,
  openInBrowser,
  userOAuth,
  userOf,
} from './fixtures/credential-world.ts';
import type { CredentialWorld } from './fixtures/credential-world.ts';
import { createTokenMemory } from './token-store.ts';

const ann = userOf('ann');
const bob = userOf('bob');

function hasCode(code: HostError['code']): (error: unknown) => boolean {
  return (error) => error instanceof HostError && error.code === code;
}

test('a user opens the URL, and from then on the host acts for them', async (t) => {
  const world = await createWorld(t);
  const url = new URL(await world.refusedUrl(ann));
  assert.equal(url.origin, world.authorization.issuer);
  assert.equal(url.searchParams.get('code_challenge_method'), 'S256');
  assert.equal(url.searchParams.get('resource'), world.server.url);
  assert.equal(world.authorization.registrations.length, 1);
  await authorize(world, ann);
  const answer = await world.ask(ann);
  assert.equal(answer.status, 200);
  const [token] = world.authorization.live.keys();
  assert.equal(world.server.heard.at(-1)?.['authorization'], `Bearer ${token}`);
  assert.equal(world.server.heard.at(-1)?.['x-own'], '1');
});

test('the URL is the same until the user is back or the time for it is over', async (t) => {
  const world = await createWorld(t);
  const first = await world.refusedUrl(ann);
  assert.equal(await world.refusedUrl(ann), first);
  world.clock.nowMs += 600_000;
  const second = await world.refusedUrl(ann);
  assert.notEqual(second, first);
  const late = await openInBrowser(first);
  await assert.rejects(world.credentials.finish(ann, late), hasCode('failed_precondition'));
});

test('every user has an authorization and a connection of their own', async (t) => {
  const world = await createWorld(t);
  await authorize(world, ann);
  await world.refusedUrl(bob);
  await world.refusedUrl(userOf('ann', 'other'));
  const subjects = [ann, bob, userOf('ann', 'other')].map((who) =>
    world.credentials.subjectOf(who),
  );
  assert.equal(new Set(subjects).size, 3);
});

test('nobody finishes what another began, twice, or with another state', async (t) => {
  const world = await createWorld(t);
  const { credentials, authorization } = world;
  const callback = await openInBrowser(await world.refusedUrl(ann));
  await world.refusedUrl(bob);
  const refused = hasCode('failed_precondition');
  await assert.rejects(credentials.finish(bob, callback), refused);
  await assert.rejects(credentials.finish(userOf('ann', 'other'), callback), refused);
  await assert.rejects(credentials.finish(ann, { ...callback, state: 'notes.id-9' }), refused);
  assert.equal(authorization.tokenRequests.length, 0);
  await credentials.finish(ann, callback);
  await assert.rejects(credentials.finish(ann, callback), refused);
});

test('abuse A13: an authorization that answers for another issuer is given no code', async (t) => {
  for (const iss of ['https://evil.example', '']) {
    const world = await createWorld(t);
    const url = await world.refusedUrl(ann);
    world.authorization.behave.iss = iss;
    const callback = await openInBrowser(url);
    await assert.rejects(world.credentials.finish(ann, callback), HostError);
    assert.equal(world.authorization.tokenRequests.length, 0);
  }
});

test('a token that comes to its end is refreshed before it is used, once for all who ask', async (t) => {
  const world = await createWorld(t);
  await authorize(world, ann);
  world.clock.nowMs += 3_600_000 - 29_000;
  const answers = await Promise.all([world.ask(ann), world.ask(ann), world.ask(ann)]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  );
  const grants = world.authorization.tokenRequests.map(({ form }) => form['grant_type']);
  assert.deepEqual(grants, ['authorization_code', 'refresh_token']);
});

test('a token that the server no longer accepts is refreshed, and the request sent once more', async (t) => {
  const world = await createWorld(t);
  await authorize(world, ann);
  world.authorization.live.clear();
  const before = world.server.heard.length;
  assert.equal((await world.ask(ann)).status, 200);
  assert.equal(world.server.heard.length, before + 2);
});

test('a server that refuses every token gets no third request, then the user is asked', async (t) => {
  const world = await createWorld(t);
  await authorize(world, ann);
  world.authorization.live.set = () => world.authorization.live;
  world.authorization.live.clear();
  const before = world.server.heard.length;
  assert.equal((await world.ask(ann)).status, 401);
  assert.equal(world.server.heard.length, before + 2);
  await world.refusedUrl(ann);
});

test('a refresh token that is no longer good sends the user away again', async (t) => {
  const world = await createWorld(t);
  await authorize(world, ann);
  world.authorization.live.clear();
  world.authorization.behave.tokenError = { error: 'invalid_grant' };
  await world.refusedUrl(ann);
});

test('more scope is asked for together with what was granted', async (t) => {
  const world = await createWorld(t);
  world.server.behave.scope = 'read';
  await authorize(world, ann);
  world.server.behave.scope = 'write';
  const url = new URL(await world.refusedUrl(ann));
  assert.deepEqual(url.searchParams.get('scope')?.split(' ').toSorted(), ['read', 'write']);
  await world.credentials.finish(ann, await openInBrowser(url.href));
  assert.equal((await world.ask(ann)).status, 200);
});

test('a server that wants what was granted already does not send the user away for ever', async (t) => {
  const world = await createWorld(t);
  world.authorization.behave.hidesScope = true;
  world.server.behave.scope = 'read';
  await authorize(world, ann);
  for (const value of world.authorization.live.keys()) world.authorization.live.set(value, '');
  await assert.rejects(world.ask(ann), hasCode('mcp_connection_failed'));
});

test('what one authorization server gave is not shown to another', async (t) => {
  const world = await createWorld(t);
  await authorize(world, ann);
  const other = await listenAuthorization(t);
  world.server.behave.authorization = other;
  await world.refusedUrl(ann);
  assert.equal(other.registrations.length, 1);
  assert.equal(other.tokenRequests.length, 0);
  const refreshes = world.authorization.tokenRequests.filter(({ form }) => form['refresh_token']);
  assert.equal(refreshes.length, 0);
});

test('grants outlive the credentials in the store, under their own user, server and URL', async (t) => {
  const tokenStore = createTokenMemory();
  const world = await createWorld(t, { more: { tokenStore } });
  await authorize(world, ann);
  const owner = { server: 'notes', resource: world.server.url, tenant: 'acme', subject: 'ann' };
  const [grant] = await tokenStore.load(owner);
  assert.equal(grant?.issuer, world.authorization.issuer);
  assert.equal(grant?.expiresAt, world.clock.nowMs + 3_600_000);
  for (const other of [
    { subject: 'bob' },
    { tenant: 'other' },
    { server: 'n' },
    { resource: 'r' },
  ]) {
    assert.deepEqual(await tokenStore.load({ ...owner, ...other }), []);
  }
  const again = await createWorld(t, {
    more: { tokenStore, serverUrl: world.server.url },
    outbound: { baseUrl: world.server.url },
  });
  assert.equal((await again.ask(ann)).status, 200);
});

test('a server that wants it gets tokens bound to a key, and another proof with each request', async (t) => {
  const tokenStore = createTokenMemory();
  const world = await createWorld(t, { more: { tokenStore } });
  world.server.behave.nonce = 'n-1';
  await authorize(world, ann);
  assert.equal((await world.ask(ann)).status, 200);
  assert.equal((await world.ask(ann)).status, 200);
  world.server.behave.nonce = 'n-2';
  const before = world.server.heard.length;
  assert.equal((await world.ask(ann)).status, 200);
  // The new nonce came with the first answer; a token is not to be had again for that.
  assert.equal(world.server.heard.length, before + 2);
  assert.equal(world.authorization.tokenRequests.length, 1);

  const again = await createWorld(t, {
    more: { tokenStore, serverUrl: world.server.url },
    outbound: { baseUrl: world.server.url },
  });
  assert.equal((await again.ask(ann)).status, 200);
  world.clock.nowMs += 3_600_000;
  assert.equal((await world.ask(ann)).status, 200);
  assert.equal(world.authorization.tokenRequests.at(-1)?.form['grant_type'], 'refresh_token');
  assert.equal(new Set(world.authorization.keys.values()).size, 1);

  const proofs = world.server.heard.flatMap(({ dpop }) => (typeof dpop === 'string' ? [dpop] : []));
  const ids = await Promise.all(proofs.map(async (proof) => (await readProof(proof)).id));
  assert.equal(new Set(ids).size, proofs.length);
});

test('the host is the configured client at its issuer, else its metadata document, else it registers', async (t) => {
  const document = 'https://host.example/oauth/client.json';
  const spec = { ...userOAuth, clientMetadataUrl: document };
  const takesDocuments = { client_id_metadata_document_supported: true };
  const clientOf = async (world: CredentialWorld): Promise<string | null> =>
    new URL(await world.refusedUrl(ann)).searchParams.get('client_id');

  const configured = await createWorld(t, {
    spec: ({ issuer }) => ({ ...spec, client: { issuer, clientId: 'c', clientSecret: 's' } }),
  });
  configured.authorization.behave.metadata = takesDocuments;
  assert.equal(await clientOf(configured), 'c');
  await authorize(configured, ann);
  const basic = `Basic ${Buffer.from('c:s').toString('base64')}`;
  assert.equal(configured.authorization.tokenRequests[0]?.authorization, basic);

  const client = { issuer: 'https://other.example', clientId: 'c', clientSecret: 's' };
  const documented = await createWorld(t, { spec: () => ({ ...spec, client }) });
  documented.authorization.behave.metadata = takesDocuments;
  assert.equal(await clientOf(documented), document);
  assert.equal(documented.authorization.registrations.length, 0);

  const registered = await createWorld(t, { spec: () => ({ ...spec, client }) });
  assert.equal(await clientOf(registered), 'client-1');

  const refused = await createWorld(t, { spec: () => ({ ...spec, allowRegistration: false }) });
  await assert.rejects(refused.ask(ann), hasCode('mcp_connection_failed'));
  assert.equal(refused.authorization.registrations.length, 0);
});

test('a caller that shows URLs is asked to open it, others get the error', async (t) => {
  const world = await createWorld(t);
  const thrown = await world.ask(ann).catch((error: unknown) => error);
  const url = await world.refusedUrl(ann);
  const outcome = toAuthorizationOutcome(thrown, { elicitation: { url: {} } });
  assert.deepEqual(outcome?.kind === 'input-required' && outcome.inputRequests, {
    'modelhost/authorization': {
      method: 'elicitation/create',
      params: {
        mode: 'url',
        message: `notes: authorize the host at ${new URL(url).host} first`,
        url,
        elicitationId: 'notes.id-1',
      },
    },
  });
  assert.equal(toAuthorizationOutcome(thrown, {}), undefined);
  assert.equal(toAuthorizationOutcome(thrown, { elicitation: { form: {} } }), undefined);
  assert.equal(toAuthorizationOutcome(new Error('x'), { elicitation: { url: {} } }), undefined);
});

test('what comes back finds its server by its state, within what the tenant may see', async (t) => {
  const world = await createWorld(t);
  const asked: string[] = [];
  const authorizations = createAuthorizations((server, tenant) => {
    asked.push(`${tenant} ${server}`);
    const connect = async (principal: typeof ann): Promise<void> =>
      void (await world.ask(principal));
    const found = { credentials: world.credentials, connect };
    return server === 'notes' && tenant === 'acme' ? found : undefined;
  });
  const callback = await openInBrowser((await authorizations.begin(ann, 'notes')) ?? '');
  for (const state of ['', 'other.id-1', 'id-1', 'notes', 'notes.', '__proto__.id-1']) {
    await assert.rejects(
      authorizations.finish(ann, { ...callback, state }),
      hasCode('failed_precondition'),
    );
  }
  await assert.rejects(
    authorizations.finish(userOf('ann', 'other'), callback),
    hasCode('failed_precondition'),
  );
  await assert.rejects(
    authorizations.begin(userOf('ann', 'other'), 'notes'),
    hasCode('mcp_tool_not_found'),
  );
  await authorizations.finish(ann, callback);
  assert.equal(await authorizations.begin(ann, 'notes'), undefined);
  const servers = ['notes', '', 'other', 'id-1', 'notes', 'notes', '__proto__'];
  const expected = [...servers.map((server) => `acme ${server}`), 'other notes', 'other notes'];
  assert.deepEqual(asked, [...expected, 'acme notes', 'acme notes']);
});

test('the server hears nothing of the answer to our own request', () => {
  const method = 'tools/call';
  const own = { 'modelhost/authorization': { action: 'accept' } };
  const theirs = { question: { action: 'decline' } };
  const without = (inputResponses: typeof own | typeof theirs | {}): unknown =>
    withoutAuthorizationAnswer({ method, params: { name: 'a', inputResponses } }).params;
  assert.deepEqual(without(own), { name: 'a' });
  assert.deepEqual(without({ ...own, ...theirs }), { name: 'a', inputResponses: theirs });
  assert.deepEqual(without(theirs), { name: 'a', inputResponses: theirs });
  const plain = { method, params: { name: 'a' } } as const;
  assert.deepEqual(withoutAuthorizationAnswer(plain), plain);
});

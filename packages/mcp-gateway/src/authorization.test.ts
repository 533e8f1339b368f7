import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { ToolInputRequest } from '@modelhost/kernel';
import { listenAuthorization } from './credentials/fixtures/authorization-server.ts';
import type { AuthorizationServer } from './credentials/fixtures/authorization-server.ts';
import { openInBrowser, userOAuth } from './credentials/fixtures/credential-world.ts';
import { createHttpToolSet, serveHttp } from './fixtures/http-server.ts';
import {
  invocationOf,
  isHostError,
  serverSpec,
  somebody,
  startGateway,
} from './fixtures/start-gateway.ts';
import type { StartedGateway } from './fixtures/start-gateway.ts';

interface AuthorizedGateway extends StartedGateway {
  readonly authorization: AuthorizationServer;
  /** What came as `authorization` with each request. */
  readonly tokens: readonly (string | null)[];
}

/** A tool server of either era that takes tokens only, at a gateway whose users authorize the host. */
async function startAuthorized(
  t: TestContext,
  era: 'modern' | 'legacy',
): Promise<AuthorizedGateway> {
  const authorization = await listenAuthorization(t);
  const handler = createHttpToolSet(era, () => {});
  const tokens: (string | null)[] = [];
  const fixture = await serveHttp(async (request) => {
    const url = new URL(request.url);
    if (url.pathname.startsWith('/.well-known/oauth-protected-resource')) {
      const resource = `${url.origin}/mcp`;
      return Response.json({ resource, authorization_servers: [authorization.issuer] });
    }
    const token = request.headers.get('authorization');
    tokens.push(token);
    if (authorization.live.has(token?.slice('Bearer '.length) ?? '')) return await handler(request);
    const headers = { 'www-authenticate': 'Bearer realm="x"' };
    return new Response(null, { status: 401, headers });
  });
  t.after(() => fixture.close());
  const started = startGateway(t, [
    serverSpec(
      'fix',
      { type: 'http', url: fixture.url, headers: {} },
      { credential: userOAuth, allowPrivateNetwork: true, effects: { '*': 'none' } },
    ),
  ]);
  return { ...started, authorization, tokens };
}

for (const era of ['modern', 'legacy'] as const) {
  test(`users of a ${era} server are let in one by one, each with a token of their own`, async (t) => {
    const { gateway, call, authorization, tokens } = await startAuthorized(t, era);
    const { authorizations } = gateway;
    await gateway.connected();
    assert.deepEqual(tokens, []);

    const url = (await authorizations.begin(somebody, 'fix')) ?? '';
    // However often a user comes too early, the server is not spared for it.
    for (let attempt = 0; attempt < 10; attempt += 1) {
      assert.equal(await authorizations.begin(somebody, 'fix'), url);
    }
    await authorizations.finish(somebody, await openInBrowser(url));
    assert.equal(await authorizations.begin(somebody, 'fix'), undefined);
    assert.equal((await call('fix__echo', { text: 'a' })).content, 'a');

    const other = { ...somebody, subject: 'bob' };
    const otherUrl = (await authorizations.begin(other, 'fix')) ?? '';
    assert.ok(otherUrl !== '' && otherUrl !== url);
    const refused = isHostError('failed_precondition', { server: 'fix', tool: 'fix__echo' });
    await assert.rejects(call('fix__echo', { text: 'b' }, { principal: other }), refused);
    const [token] = authorization.live.keys();
    assert.deepEqual([...new Set(tokens)], [null, `Bearer ${token}`]);
  });
}

test('a run whose client shows URLs is asked to open one, and then goes on', async (t) => {
  const { gateway, call } = await startAuthorized(t, 'modern');
  const ready = (await gateway.authorizations.begin(somebody, 'fix')) ?? '';
  await gateway.authorizations.finish(somebody, await openInBrowser(ready));
  await gateway.authorizations.begin(somebody, 'fix');
  await call('fix__echo', { text: 'a' });

  const principal = { ...somebody, subject: 'bob' };
  const { signal } = new AbortController();
  const canAnswer = ['elicitation/create'] as const;
  const invocation = { ...invocationOf('fix__echo', { text: 'b' }, { principal }), canAnswer };
  const asked = await gateway.callTool(invocation, { signal });
  assert.ok(asked.type === 'input-required');
  const { state, requests } = asked;
  const [[key, request]] = Object.entries(requests) as [[string, ToolInputRequest]];
  assert.equal(request.params['mode'], 'url');
  const { url } = request.params;
  assert.ok(typeof url === 'string');
  await gateway.authorizations.finish(principal, await openInBrowser(url));
  const answers = { [key]: { action: 'accept' } };
  const answer = await gateway.callTool({ ...invocation, resume: { state, answers } }, { signal });
  assert.ok(answer.type === 'answer');
  assert.equal(answer.content, 'b');
});

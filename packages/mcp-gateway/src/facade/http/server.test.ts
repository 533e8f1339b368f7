import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createFakeRelay, textResult } from './fixtures/fake-relay.ts';
import { goodHeaders, rpc, send } from './fixtures/http-client.ts';
import type { AskBody, AskHeaders } from './fixtures/http-client.ts';
import { HostError } from '@modelhost/kernel';
import type { TokenAccess } from '../auth/token-verifier.ts';
import { authenticateByName, createTestCore, openFacade } from './fixtures/open-facade.ts';
import { createFacadeServer } from './server.ts';

const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const modernHeaders = { 'mcp-protocol-version': '2026-07-28' };
const authorizationServers = ['https://idp.example.com/realm'];

const relay = createFakeRelay({ whoami: (_, { principal }) => textResult(principal.tenant) });
const facade = await openFacade(relay, {
  allowedHosts: ['gateway.example.com', 'only-here:1'],
  allowedOrigins: ['https://console.example.com'],
  resource: { publicUrl: undefined, authorizationServers, scopes: ['mcp:use'] },
  bounds: { bodyBytesMax: 10_000, depthMax: 16 },
});
const mcp = `${facade.url}/mcp`;
after(() => facade.close());

function listTools(): ReturnType<typeof rpc> {
  return rpc(1, 'tools/list', { _meta: modernMeta });
}

function ask(headers: AskHeaders = {}, body: AskBody = listTools()): ReturnType<typeof send> {
  const named = { ...modernHeaders, 'mcp-method': 'tools/list', ...headers };
  return send(mcp, { headers: named, body });
}

const serverOptions = {
  authenticate: authenticateByName,
  allowedHosts: [],
  allowedOrigins: [],
  resource: { publicUrl: undefined, authorizationServers: [], scopes: [] },
  clock: facade.clock,
  randomId: () => 'session',
  onFault: (cause: unknown) => assert.fail(String(cause)),
};

suite('the listener of the façade', () => {
  test('abuse A11: every route refuses a foreign Host or Origin before anything else', async () => {
    const foreign = [
      { host: 'evil.example.com' },
      { host: 'evil.example.com:80' },
      { host: 'localhost.evil.example.com' },
      { host: '127.0.0.1.evil.example.com' },
      { host: 'localhost@evil.example.com' },
      { host: 'only-here:2' },
      { origin: 'http://evil.example.com' },
      { origin: 'null' },
      { origin: '' },
      { origin: 'https://console.example.com.evil.example.com' },
      { origin: 'https://console.example.com, http://evil.example.com' },
      { host: 'gateway.example.com', origin: 'http://localhost' },
    ];
    const paths = [...facade.server.routes.map(({ path }) => path), '/nothing'];
    for (const path of paths) {
      for (const headers of foreign) {
        for (const method of ['GET', 'POST', 'PUT']) {
          const reply = await send(facade.url + path, { method, headers });
          assert.equal(reply.status, 403, `${method} ${path} ${JSON.stringify(headers)}`);
        }
      }
    }
  });

  test('allowed names and origins, and pages of the listener itself, get in', async () => {
    const { host } = new URL(mcp);
    const allowed = [
      {},
      { host: 'localhost' },
      { host: 'LOCALHOST:1234' },
      { host: '[::1]:80' },
      { host: 'gateway.example.com' },
      { host: 'Gateway.Example.com:8443' },
      { host: 'only-here:1' },
      { origin: 'https://console.example.com' },
      { origin: `http://${host}` },
      { host: 'gateway.example.com', origin: 'https://gateway.example.com' },
    ];
    for (const headers of allowed) {
      assert.equal((await ask(headers)).status, 200, JSON.stringify(headers));
    }
  });

  test('every address is no name: who listens there says by which names it is known', async () => {
    const cores = { default: createTestCore(relay, facade.clock) };
    const everywhere = createFacadeServer({ ...serverOptions, cores });
    const { port } = await everywhere.listen({ host: '0.0.0.0', port: 0 });
    const headers = { host: `0.0.0.0:${port}` };
    assert.equal((await send(`http://127.0.0.1:${port}/mcp`, { headers })).status, 403);
    const second = createFacadeServer({ ...serverOptions, cores });
    await assert.rejects(second.listen({ host: '0.0.0.0', port }), { code: 'config_invalid' });
    await second.close();
    await everywhere.close();
    cores.default.close();
  });

  test('abuse A11: a right Host is no credential, and a credential does not depend on it', async () => {
    const byHost = await ask({ host: 'gateway.example.com', authorization: undefined });
    assert.equal(byHost.status, 401);
    // The metadata names the address that was configured, not the one that was asked for.
    const metadata = String(byHost.headers['www-authenticate']);
    assert.ok(metadata.includes(`${facade.url}/.well-known/`), metadata);
    assert.ok(!metadata.includes('gateway.example.com'), metadata);
  });

  test('abuse A7: no header selects the view, the tenant or the upstream', async () => {
    const call = rpc(1, 'tools/call', { name: 'whoami', arguments: {}, _meta: modernMeta });
    const forged = {
      'mcp-method': 'tools/call',
      'mcp-name': 'whoami',
      'x-tenant': 'globex',
      'x-mcp-server': 'other',
      'mcp-target': 'other',
      'x-forwarded-host': 'globex.example.com',
      'x-original-url': '/mcp/other',
      'x-rewrite-url': '/mcp/other',
      'x-forwarded-user': 'root',
    };
    const reply = await ask(forged, call);
    assert.match(reply.body, /"text":"acme"/);
  });

  test('there is nothing beside the inventory of routes', async () => {
    assert.deepEqual(
      facade.server.routes.map(({ path }) => path),
      [
        '/mcp',
        '/.well-known/oauth-protected-resource/mcp',
        '/.well-known/oauth-protected-resource',
        '/mcp/default',
        '/.well-known/oauth-protected-resource/mcp/default',
        '/mcp/other',
        '/.well-known/oauth-protected-resource/mcp/other',
      ],
    );
    const elsewhere = ['/', '/mcp/', '/mcp/none', '/mcp/other/', '/MCP', '//mcp', '/mcp%2fother'];
    for (const path of [
      ...elsewhere,

      '/.well-known/openid-configuration',
      '/health',
    ]) {
      assert.equal((await send(facade.url + path, { method: 'GET' })).status, 404, path);
    }
  });

  test('every route that wants to know who asks refuses who does not say it', async () => {
    for (const { path, isAuthenticated, methods } of facade.server.routes) {
      for (const method of methods) {
        const reply = await send(facade.url + path, {
          method,
          headers: { authorization: undefined },
        });
        assert.equal(reply.status, isAuthenticated ? 401 : 200, `${method} ${path}`);
      }
    }
  });

  test('other methods get 405 and hear which there are', async () => {
    for (const method of ['PUT', 'PATCH', 'OPTIONS', 'HEAD']) {
      const reply = await send(mcp, { method });
      assert.equal(reply.status, 405);
      assert.equal(reply.headers.allow, 'POST, GET, DELETE');
    }
    const reply = await send(`${facade.url}/.well-known/oauth-protected-resource`, { body: '{}' });
    assert.deepEqual([reply.status, reply.headers.allow], [405, 'GET']);
  });

  test('the metadata says for which resource and from whom a token is (RFC 9728)', async () => {
    const get = async (path: string): Promise<unknown> =>
      (await send(facade.url + path, { method: 'GET', headers: { authorization: undefined } }))
        .json;
    const whole = (resource: string): unknown => ({
      resource: facade.url + resource,
      authorization_servers: authorizationServers,
      scopes_supported: ['mcp:use'],
      bearer_methods_supported: ['header'],
    });
    assert.deepEqual(await get('/.well-known/oauth-protected-resource'), whole('/mcp'));
    assert.deepEqual(await get('/.well-known/oauth-protected-resource/mcp'), whole('/mcp'));
    assert.deepEqual(
      await get('/.well-known/oauth-protected-resource/mcp/other'),
      whole('/mcp/other'),
    );
  });

  test('who is not let in hears where to get a token', async () => {
    const url = `${facade.url}/.well-known/oauth-protected-resource/mcp`;
    const missing = await ask({ authorization: undefined });
    assert.deepEqual(
      [missing.status, missing.headers['www-authenticate']],
      [401, `Bearer scope="mcp:use", resource_metadata="${url}"`],
    );
    const wrong = await ask({ authorization: 'Bearer ???' });
    assert.deepEqual(
      [wrong.status, wrong.headers['www-authenticate']],
      [401, `Bearer error="invalid_token", scope="mcp:use", resource_metadata="${url}"`],
    );
  });

  test('abuse A15: a token in the address or in the body is none', async () => {
    const query = await send(`${mcp}?access_token=acme.ann`, { body: listTools() });
    assert.equal(query.status, 400);
    const withoutHeader = { authorization: undefined };
    const both = await send(`${mcp}?access_token=acme.ann`, { headers: withoutHeader });
    assert.equal(both.status, 400);
    const form = await send(mcp, {
      headers: { ...withoutHeader, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'access_token=acme.ann',
    });
    assert.equal(form.status, 401);
    const twice = await ask({ authorization: ['Bearer acme.ann', 'Bearer globex.bob'] });
    assert.equal(twice.status, 401);
  });

  test('what is no JSON message is refused with the status that fits', async () => {
    const cases: readonly (readonly [number, [AskHeaders, AskBody?]])[] = [
      [415, [{ 'content-type': undefined }]],
      [415, [{ 'content-type': 'text/plain' }]],
      [415, [{ 'content-type': 'application/json; charset=latin1' }]],
      [415, [{ 'content-encoding': 'gzip' }, gzipSync('{}')]],
      [415, [{ 'content-encoding': 'identity' }]],
      [406, [{ accept: 'text/event-stream' }]],
      [406, [{ accept: 'text/html' }]],
      [413, [{}, `{"a":"${'x'.repeat(10_000)}"}`]],
      [413, [{ 'transfer-encoding': 'chunked' }, `{"a":"${'x'.repeat(200_000)}"}`]],
      [400, [{}, '']],
      [400, [{}, '{']],
      [400, [{}, [listTools()]]],
      [400, [{}, `{"a":${'['.repeat(20)}${']'.repeat(20)}}`]],
      [400, [{}, { id: 1, method: 'tools/list' }]],
      [400, [{}, { jsonrpc: '2.0', id: null, method: 'tools/list' }]],
      [400, [{}, { jsonrpc: '2.0', id: 1.5, method: 'tools/list' }]],
      [400, [{}, { jsonrpc: '2.0', id: 1, method: 'tools/list', params: [] }]],
      [400, [{}, { jsonrpc: '2.0', id: 1, method: 'tools/list', result: {} }]],
      [400, [{}, { jsonrpc: '2.0', id: 1 }]],
    ];
    for (const [status, [headers, body]] of cases) {
      const reply = await ask(headers, body);
      assert.equal(reply.status, status, JSON.stringify([headers, body]).slice(0, 100));
      assert.ok('error' in reply.json && !('id' in reply.json), reply.body);
    }
    const kinds = ['application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'];
    for (const type of kinds) assert.equal((await ask({ 'content-type': type })).status, 200);
    for (const accept of [
      '*/*',
      undefined,
      'application/*, text/*',
      'text/event-stream;q=0.1, */*',
    ]) {
      assert.equal((await ask({ accept })).status, 200);
    }
  });

  test('abuse A6: an ambiguous message gets nowhere', async () => {
    const call = (members: string): string =>
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{${members}}}`;
    const meta = `"_meta":${JSON.stringify(modernMeta)}`;
    const ambiguous = [
      call(`"name":"safe","name":"whoami","arguments":{},${meta}`),
      call(`"name":"whoami","Name":"safe","arguments":{},${meta}`),
      call(`"name":"whoami","arguments":{"__proto__":{"x":1}},${meta}`),
      call(`"name":"whoami","arguments":{"a":1,"a":2},${meta}`),
    ];
    for (const body of ambiguous) {
      const reply = await ask({ 'mcp-method': 'tools/call', 'mcp-name': 'whoami' }, body);
      assert.deepEqual([reply.status, reply.body.includes('acme')], [400, false], body);
    }
  });

  test('abuse A20: too many or too long headers, and a body that never comes, end the connection', async () => {
    assert.equal((await ask({ 'x-long': 'x'.repeat(20_000) })).status, 431);
    const socket = connect(Number(new URL(mcp).port), '127.0.0.1');
    const { authorization, accept } = goodHeaders;
    socket.write(
      `POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n` +
        `Accept: ${accept}\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n`,
    );
    const answer = await text(socket);
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.match(answer, /Connection: close/i);
  });

  test('abuse A20: requests that are no HTTP or smuggle a second one are refused', async () => {
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\n`;
    const cases = [
      `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
      `POST /mcp HTTP/1.1\r\n\r\n`,
      `hello\r\n\r\n`,
    ];
    for (const bytes of cases) {
      const socket = connect(Number(new URL(mcp).port), '127.0.0.1');
      socket.write(bytes);
      assert.match(await text(socket), /^HTTP\/1\.1 400 /, bytes);
    }
    // A second name counts as much as the first.
    const two = connect(Number(new URL(mcp).port), '127.0.0.1');
    two.write('GET /mcp HTTP/1.1\r\nHost: localhost\r\nHost: evil.example.com\r\n\r\n');
    two.end();
    assert.match(await text(two), /^HTTP\/1\.1 40[03] /);
    // An address in the request line is not a path.
    const socket = connect(Number(new URL(mcp).port), '127.0.0.1');
    socket.write(
      'GET http://localhost/mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    assert.match(await text(socket), /^HTTP\/1\.1 404 /);
  });

  test('abuse A20: a connection too many is closed at once', async () => {
    const small = await openFacade(relay, { bounds: { connectionsMax: 2 } });
    const port = Number(new URL(small.url).port);
    const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    for (const socket of sockets) await once(socket, 'connect');
    const third = connect(port, '127.0.0.1');
    third.write('GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n');
    assert.equal(await text(third).catch(() => ''), '');
    for (const socket of sockets) socket.destroy();
    await small.close();
  });

  test('a fault of ours says nothing of itself to the client', async () => {
    const broken = await openFacade(relay, {
      authenticate: () => Promise.reject(new Error('secret of the database')),
    });
    const reply = await send(`${broken.url}/mcp`, { body: listTools() });
    assert.equal(reply.status, 500);
    assert.ok(!reply.body.includes('secret'), reply.body);
    assert.equal(broken.faults.length, 1);
    await broken.close();
  });

  test('the address that is configured is the one that clients hear of', async () => {
    const resource = { publicUrl: 'https://tools.example.com/', authorizationServers, scopes: [] };
    const known: TokenAccess[] = [];
    const named = await openFacade(relay, {
      resource,
      viewScopes: { other: ['mcp:other'] },
      authenticate: async (authorization, access) => {
        known.push(access);
        return authenticateByName(authorization, access);
      },
    });
    const headers = { host: 'tools.example.com' };
    await send(`${named.url}/mcp`, { headers, body: listTools() });
    await send(`${named.url}/mcp/other`, { headers, body: listTools() });
    assert.deepEqual(known, [
      { resource: 'https://tools.example.com/mcp', scopes: [] },
      { resource: 'https://tools.example.com/mcp/other', scopes: ['mcp:other'] },
    ]);
    await named.close();
  });

  test('who lacks a scope hears which ones to get; who cannot be checked comes back later', async () => {
    const thrown = [
      new HostError('permission_denied', 'get it', { facts: { scope: 'mcp:use mcp:other' } }),
      new HostError('overloaded', 'later', { retryAfterMs: 2_500 }),
    ];
    const resource = { publicUrl: undefined, authorizationServers, scopes: [] };
    const closed = await openFacade(relay, {
      resource,
      authenticate: () => Promise.reject(thrown.shift() ?? new Error('no more')),
    });
    const lacking = await send(`${closed.url}/mcp`, { body: listTools() });
    const url = `${closed.url}/.well-known/oauth-protected-resource/mcp`;
    const challenge = `Bearer error="insufficient_scope", scope="mcp:use mcp:other", resource_metadata="${url}"`;
    assert.deepEqual([lacking.status, lacking.headers['www-authenticate']], [403, challenge]);
    const later = await send(`${closed.url}/mcp`, { body: listTools() });
    assert.deepEqual([later.status, later.headers['retry-after']], [503, '3']);
    await closed.close();
  });

  test('without authorization servers there is no metadata, and the challenge names none', async () => {
    const plain = await openFacade(relay);
    const metadata = `${plain.url}/.well-known/oauth-protected-resource/mcp`;
    assert.equal((await send(metadata, { method: 'GET' })).status, 404);
    const reply = await send(`${plain.url}/mcp`, { headers: { authorization: undefined } });
    assert.deepEqual([reply.status, reply.headers['www-authenticate']], [401, 'Bearer']);
    await plain.close();
  });

  test('no fault of ours came up', () => {
    assert.deepEqual(facade.faults, []);
  });
});

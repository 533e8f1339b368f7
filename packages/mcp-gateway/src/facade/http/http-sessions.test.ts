import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { until } from '../../fixtures/start-gateway.ts';
import { createFakeRelay, textResult } from './fixtures/fake-relay.ts';
import { beginSession, open, readEvents, rpc, send } from './fixtures/http-client.ts';
import type { HttpReply } from './fixtures/http-client.ts';
import { openFacade } from './fixtures/open-facade.ts';
import { call, listen, nextEvent, start } from './fixtures/session-world.ts';

const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

function shapeOf({ status, headers, body }: HttpReply): unknown {
  const { date: _date, ...rest } = headers;
  return { status, body, headers: rest };
}

suite('sessions over HTTP', () => {
  test('a session begins with initialize, is named in a header, and ends with DELETE', async (context) => {
    const { mcp, facade } = await start(context);
    const headers = await beginSession(mcp);
    assert.match(String(headers['mcp-session-id']), /^[\x21-\x7e]{22,}$/);
    assert.equal((await send(mcp, { headers, body: rpc(1, 'ping') })).status, 200);
    const ended = await send(mcp, { method: 'DELETE', headers });
    assert.deepEqual([ended.status, facade.server.sessions()], [204, 0]);
    assert.equal((await send(mcp, { headers, body: rpc(2, 'ping') })).status, 404);
    assert.equal((await send(mcp, { method: 'DELETE', headers })).status, 404);
  });

  test('without a session there is 400, and a handshake that fails leaves none', async (context) => {
    const { mcp, facade } = await start(context);
    const asks = [
      { body: rpc(1, 'tools/list') },
      { body: { jsonrpc: '2.0', method: 'notifications/initialized' } },
      { body: { jsonrpc: '2.0', id: 1, result: {} } },
      { method: 'GET' },
      { method: 'DELETE' },
    ];
    for (const ask of asks) assert.equal((await send(mcp, ask)).status, 400);
    const failed = await send(mcp, { body: rpc(1, 'initialize', {}) });
    assert.deepEqual([failed.status, failed.headers['mcp-session-id']], [200, undefined]);
    assert.equal(facade.server.sessions(), 0);
  });

  test('a client that takes no streams is refused; nobody could ask it anything', async (context) => {
    const { mcp } = await start(context);
    const headers = { ...(await beginSession(mcp)), accept: 'application/json' };
    assert.equal((await send(mcp, { headers, body: rpc(1, 'ping') })).status, 406);
    assert.equal((await send(mcp, { method: 'GET', headers })).status, 406);
  });

  test('a version that is none of the old ones is refused', async (context) => {
    const { mcp } = await start(context);
    const session = await beginSession(mcp);
    for (const version of ['2025-01-01', 'latest', '']) {
      const headers = { ...session, 'mcp-protocol-version': version };
      for (const method of ['GET', 'DELETE']) {
        assert.equal((await send(mcp, { method, headers })).status, 400, version);
      }
      assert.equal((await send(mcp, { headers, body: rpc(1, 'ping') })).status, 400, version);
    }
  });

  test('abuse A10: the session of somebody else looks like one that never was', async (context) => {
    const { mcp, facade } = await start(context);
    const mine = await beginSession(mcp, { who: 'acme.ann' });
    const never = { ...mine, 'mcp-session-id': 'x'.repeat(String(mine['mcp-session-id']).length) };
    const asks = [
      { body: rpc(1, 'tools/list') },
      { body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } } },
      { method: 'GET', headers: { accept: 'text/event-stream' } },
      { method: 'DELETE' },
    ];
    for (const who of ['acme.bob', 'globex.ann']) {
      const authorization = `Bearer ${who}`;
      for (const { headers = {}, ...ask } of asks) {
        const foreign = await send(mcp, {
          ...ask,
          headers: { ...mine, ...headers, authorization },
        });
        const absent = await send(mcp, {
          ...ask,
          headers: { ...never, ...headers, authorization },
        });
        assert.equal(foreign.status, 404);
        assert.deepEqual(shapeOf(foreign), shapeOf(absent));
      }
    }
    // Nor is it there at another path, and nobody hurt it.
    assert.equal(
      (await send(`${facade.url}/mcp/other`, { headers: mine, body: rpc(1, 'ping') })).status,
      404,
    );
    assert.equal((await send(mcp, { headers: mine, body: rpc(1, 'ping') })).status, 200);
  });

  test('abuse A10: with other roles a session does not go on', async (context) => {
    const roles = ['admin'];
    const authenticate = async (): Promise<{
      tenant: string;
      subject: string;
      roles: string[];
    }> => ({
      tenant: 'acme',
      subject: 'ann',
      roles: [...roles],
    });
    const { mcp } = await start(context, { authenticate });
    const headers = await beginSession(mcp);
    assert.equal((await send(mcp, { headers, body: rpc(1, 'ping') })).status, 200);
    roles.length = 0;
    assert.equal((await send(mcp, { headers, body: rpc(2, 'ping') })).status, 404);
  });

  test('abuse A15: the token of a client goes no further than the listener', async (context) => {
    const seen: string[] = [];
    const relay = createFakeRelay({
      look: (values, { signal: _signal, ...known }, params) => {
        seen.push(JSON.stringify([values, known, params]));
        return textResult('seen');
      },
    });
    const facade = await openFacade(relay);
    context.after(() => facade.close());
    const mcp = `${facade.url}/mcp`;
    const headers = await beginSession(mcp, { who: 'acme.canary' });
    await send(mcp, { headers, body: rpc(1, 'tools/call', { name: 'look', arguments: {} }) });
    const modern = {
      authorization: 'Bearer acme.canary',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'look',
    };
    const params = { name: 'look', arguments: {}, _meta: modernMeta };
    await send(mcp, { headers: modern, body: rpc(1, 'tools/call', params) });
    assert.equal(seen.length, 2);
    for (const text of seen) {
      assert.match(text, /"subject":"canary"/);
      assert.doesNotMatch(text, /Bearer|acme\.canary|authorization|session/i);
    }
  });

  test('abuse A9: 200 principals with the same ids at the same time each get their own answers', async (context) => {
    const { mcp } = await start(context);
    const people = Array.from({ length: 200 }, (_, at) => `t${at % 50}.s${at}`);
    const modern = {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'echo',
    };
    const asks = people.map(async (who, at) => {
      const canary = `canary-${at}-${who}`;
      const isModern = at % 2 === 0;
      const headers = isModern
        ? { ...modern, authorization: `Bearer ${who}` }
        : await beginSession(mcp, { who });
      for (const id of [1, 'one', 2]) {
        const params = {
          name: 'echo',
          arguments: { canary },
          ...(isModern ? { _meta: modernMeta } : {}),
        };
        const reply = await send(mcp, { headers, body: rpc(id, 'tools/call', params) });
        const canaries = reply.body.match(/canary-\d+-t\d+\.s\d+/g);
        assert.deepEqual(canaries, [canary]);
        assert.ok(reply.body.includes(`"text":"${who} `), reply.body);
        assert.equal(reply.json['id'], id);
      }
    });
    await Promise.all(asks);
  });

  test('one principal has only so many sessions: the one unused for longest makes room', async (context) => {
    const { mcp, facade } = await start(context, { bounds: { sessionsPerPrincipalMax: 2 } });
    const first = await beginSession(mcp);
    const second = await beginSession(mcp);
    await send(mcp, { headers: first, body: rpc(1, 'ping') });
    const third = await beginSession(mcp);
    const statuses = await Promise.all(
      [first, second, third].map((headers) => send(mcp, { headers, body: rpc(1, 'ping') })),
    );
    assert.deepEqual(
      statuses.map(({ status }) => status),
      [200, 404, 200],
    );
    assert.equal(facade.server.sessions(), 2);
  });

  test('all have only so many sessions: others keep theirs, and so does one that is in use', async (context) => {
    const { mcp, finish, started } = await start(context, { bounds: { sessionsMax: 2 } });
    const ann = await beginSession(mcp, { who: 'acme.ann' });
    const bob = await beginSession(mcp, { who: 'acme.bob' });
    const body = rpc(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {} });
    const refused = await send(mcp, { headers: { authorization: 'Bearer acme.eve' }, body });
    assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '5']);
    const busy = send(mcp, { headers: ann, body: call(1, 'wait', { name: 'a' }) });
    await started('a');
    assert.equal(
      (await send(mcp, { headers: { authorization: 'Bearer acme.ann' }, body })).status,
      429,
    );
    // Bob uses none of his, so he may have another one instead.
    assert.equal(
      (await send(mcp, { headers: { authorization: 'Bearer acme.bob' }, body })).status,
      200,
    );
    assert.equal((await send(mcp, { headers: bob, body: rpc(2, 'ping') })).status, 404);
    finish('a');
    await busy;
  });

  test('a session that nobody uses is forgotten; a listening client uses it', async (context) => {
    const { mcp, facade } = await start(context, { bounds: { sessionIdleMs: 60_000 } });
    const idle = await beginSession(mcp);
    const listening = await beginSession(mcp);
    const stream = await listen(mcp, listening);
    facade.clock.advance(50_000);
    await send(mcp, { headers: idle, body: rpc(1, 'ping') });
    facade.clock.advance(50_000);
    assert.equal(facade.server.sessions(), 2);
    facade.clock.advance(30_000);
    assert.equal((await send(mcp, { headers: idle, body: rpc(2, 'ping') })).status, 404);
    assert.equal((await send(mcp, { headers: listening, body: rpc(2, 'ping') })).status, 200);
    stream.destroy();
  });

  test('a server without sessions answers each request by itself', async (context) => {
    const { mcp, facade, started, aborted } = await start(context, { areSessionsRequired: false });
    const headers = { 'mcp-protocol-version': '2025-06-18' };
    const reply = await send(mcp, { headers, body: call(1, 'echo', { x: 1 }) });
    assert.match(reply.body, /acme\.ann \{\\"x\\":1\}/);
    assert.equal(reply.headers['mcp-session-id'], undefined);
    const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' };
    assert.equal((await send(mcp, { headers, body: initialized })).status, 202);
    assert.equal(facade.server.sessions(), 0);
    const response = open(mcp, { headers, body: call(2, 'wait', { name: 'a' }) });
    await started('a');
    facade.clock.advance(250);
    (await response).destroy();
    await until(() => aborted.length > 0);
  });

  test('a listener that closes lets calls come to their end and takes nothing new', async (context) => {
    const { mcp, facade, finish, started } = await start(context);
    const headers = await beginSession(mcp);
    const events = readEvents(await listen(mcp, headers));
    await nextEvent(events);
    const last = send(mcp, { headers, body: call(1, 'wait', { name: 'a' }) });
    await started('a');
    const closed = facade.server.close(10_000);
    assert.equal((await events.next()).done, true);
    await assert.rejects(send(mcp, { headers, body: rpc(2, 'ping') }), { code: 'ECONNREFUSED' });
    finish('a');
    assert.match((await last).body, /finished a/);
    facade.clock.advance(100);
    await closed;
  });

  test('a listener that closes cuts what is left after the grace', async (context) => {
    const { mcp, facade, started, aborted } = await start(context);
    const headers = await beginSession(mcp);
    const cut = send(mcp, { headers, body: call(1, 'wait', { name: 'a' }) });
    await started('a');
    const closed = facade.server.close(10_000);
    facade.clock.advance(10_000);
    await closed;
    await cut.catch((cause: unknown) => assert.ok(!(cause instanceof HostError)));
    assert.deepEqual(aborted, ['a']);
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import type { JsonObject } from '@modelhost/kernel';
import { until } from '../../fixtures/start-gateway.ts';
import { beginSession, open, readEvents, rpc, send } from './fixtures/http-client.ts';
import { call, listen, nextEvent, start } from './fixtures/session-world.ts';

suite('streams of sessions', () => {
  test('a quick answer is JSON; what comes before an answer makes it a stream', async (context) => {
    const { mcp } = await start(context);
    const headers = await beginSession(mcp);
    const quick = await send(mcp, { headers, body: call(1, 'echo') });
    assert.equal(quick.headers['content-type'], 'application/json');
    const response = await open(mcp, { headers, body: call(2, 'progress') });
    assert.equal(response.headers['content-type'], 'text/event-stream');
    const events = await Array.fromAsync(readEvents(response));
    assert.deepEqual(
      events.map(({ id }) => id),
      ['r1:0', 'r1:1', 'r1:2', 'r1:3', 'r1:4'],
    );
    assert.equal(events[0]?.data, '');
    const messages = events.slice(1).map(({ data }) => JSON.parse(data) as JsonObject);
    assert.deepEqual(
      messages.map((message) => (message['params'] as JsonObject | undefined)?.['progress']),
      [1, 2, 3, undefined],
    );
    assert.equal(messages[3]?.['id'], 2);
  });

  test('clients before 2025-11-25 get no event without data', async (context) => {
    const { mcp } = await start(context);
    const headers = await beginSession(mcp, { version: '2025-06-18' });
    const response = await open(mcp, { headers, body: call(1, 'progress') });
    const events = await Array.fromAsync(readEvents(response));
    assert.deepEqual(
      events.map(({ id }) => id),
      ['r1:1', 'r1:2', 'r1:3', 'r1:4'],
    );
  });

  test('a stream that broke is taken up again, and nothing is lost or comes twice', async (context) => {
    const { mcp, facade, finish, started, aborted } = await start(context);
    const headers = await beginSession(mcp);
    const broken = open(mcp, { headers, body: call(1, 'wait', { name: 'a' }) });
    await started('a');
    facade.clock.advance(250);
    const first = await broken;
    const primed = await nextEvent(readEvents(first));
    first.destroy();
    finish('a');
    const resumed = await listen(mcp, { ...headers, 'last-event-id': primed.id });
    const events = await Array.fromAsync(readEvents(resumed));
    const last = JSON.parse(events.at(-1)?.data ?? '') as JsonObject;
    assert.deepEqual([last['id'], aborted], [1, []]);
    assert.deepEqual(
      events.map(({ id }) => id),
      ['r1:0', 'r1:1', 'r1:2'],
    );
    const again = await listen(mcp, { ...headers, 'last-event-id': 'r1:1' });
    assert.deepEqual(
      (await Array.fromAsync(readEvents(again))).map(({ id }) => id),
      ['r1:1', 'r1:2'],
    );
    for (const unknown of ['r7:1', 'nonsense', 'r1:', '']) {
      const reply = await send(mcp, {
        method: 'GET',
        headers: { ...headers, 'last-event-id': unknown },
      });
      assert.equal(reply.status, 400, unknown);
    }
  });

  test('a call whose stream nobody comes back to is cancelled upstream, and no other', async (context) => {
    const { mcp, facade, finish, started, aborted } = await start(context);
    const headers = await beginSession(mcp);
    const lost = open(mcp, { headers, body: call(1, 'wait', { name: 'lost' }) });
    const kept = send(mcp, { headers, body: call(2, 'wait', { name: 'kept' }) });
    await Promise.all([started('lost'), started('kept')]);
    facade.clock.advance(250);
    const response = await lost;
    response.destroy();
    await once(response, 'close');
    await until(() => {
      facade.clock.advance(61_000);
      return aborted.length > 0;
    });
    assert.deepEqual(aborted, ['lost']);
    finish('kept');
    assert.match((await kept).body, /finished kept/);
  });

  test('a client that leaves before anything was written cancels its call at once', async (context) => {
    const { mcp, finish, started, aborted } = await start(context);
    const headers = await beginSession(mcp);
    const leaving = new AbortController();
    const left = open(mcp, {
      headers,
      body: call(1, 'wait', { name: 'left' }),
      signal: leaving.signal,
    });
    const kept = send(mcp, { headers, body: call(2, 'wait', { name: 'kept' }) });
    await Promise.all([started('left'), started('kept')]);
    leaving.abort();
    await assert.rejects(left);
    await until(() => aborted.length > 0);
    assert.deepEqual(aborted, ['left']);
    finish('kept');
    assert.match((await kept).body, /finished kept/);
  });

  test('to cancel by message ends the call without an answer', async (context) => {
    const { mcp, started, aborted } = await start(context);
    const headers = await beginSession(mcp);
    const cancelled = send(mcp, { headers, body: call('7', 'wait', { name: 'a' }) });
    await started('a');
    const method = 'notifications/cancelled';
    const wrong = { jsonrpc: '2.0', method, params: { requestId: 7 } };
    assert.equal((await send(mcp, { headers, body: wrong })).status, 202);
    assert.deepEqual(aborted, []);
    await send(mcp, { headers, body: { jsonrpc: '2.0', method, params: { requestId: '7' } } });
    const reply = await cancelled;
    assert.deepEqual([reply.status, reply.body, aborted], [202, '', ['a']]);
  });

  test('changes reach the client that listens, the newest one of a session', async (context) => {
    const { mcp, relay } = await start(context);
    const headers = await beginSession(mcp);
    // Before anybody listens it is kept.
    relay.change({ type: 'tools', alias: 'up' });
    const first = readEvents(await listen(mcp, headers));
    assert.equal((await nextEvent(first)).id, 'listen:0');
    assert.match((await nextEvent(first)).data, /tools\/list_changed/);
    const second = readEvents(await listen(mcp, headers));
    assert.equal((await first.next()).done, true, 'the first stream ends');
    assert.equal((await nextEvent(second)).id, 'listen:1');
    relay.change({ type: 'prompts', alias: 'up' });
    const told = await nextEvent(second);
    assert.equal(told.id, 'listen:2');
    await second.return();
    const resumed = readEvents(await listen(mcp, { ...headers, 'last-event-id': 'listen:0' }));
    assert.deepEqual(
      [await nextEvent(resumed), await nextEvent(resumed), await nextEvent(resumed)].map(
        ({ id }) => id,
      ),
      ['listen:0', 'listen:1', 'listen:2'],
    );
    await resumed.return();
  });

  test('a listening client has to say again who it is after a while', async (context) => {
    const { mcp, facade } = await start(context, { bounds: { listenMaxMs: 60_000 } });
    const headers = await beginSession(mcp);
    const events = readEvents(await listen(mcp, headers));
    await nextEvent(events);
    facade.clock.advance(90_000);
    assert.equal((await events.next()).done, true);
    assert.equal((await send(mcp, { headers, body: rpc(1, 'ping') })).status, 200);
  });
});

import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonObject } from '@modelhost/kernel';
import { isHostError, until } from '../fixtures/start-gateway.ts';
import type { ExchangeOutcome } from '../relay.ts';
import {
  ann,
  bob,
  callOf,
  contextOf,
  giveUpCall,
  openConnection,
  textIn,
} from './fixtures/open-connection.ts';
import { serveAsking, ways } from './fixtures/serve-asking.ts';

function textOf(outcome: ExchangeOutcome): unknown {
  assert.equal(outcome.kind, 'complete');
  const { content = [] } = outcome.kind === 'complete' ? outcome.result : {};
  return textIn(content);
}

for (const way of ways) {
  test(`${way}: it negotiates, lists, answers, and says what it is`, async (t) => {
    const { connection } = await openConnection(t, await serveAsking(t, way));
    const era = way.startsWith('modern') ? 'modern' : 'legacy';
    assert.equal(connection.era, era);
    assert.equal(connection.verdict.kind, era);
    assert.ok('tools' in connection.capabilities);
    const { tools, prompts } = await connection.lists(new Set(['tools']));
    assert.equal(tools.length, 10);
    assert.deepEqual(tools[0], { name: 'ask', inputSchema: { type: 'object' } });
    assert.deepEqual(prompts, []);
    await connection.ping();
    const outcome = await connection.exchange(callOf('echo', { text: 'é' }), contextOf(), tools[4]);
    assert.equal(textOf(outcome), 'é');
    assert.equal(connection.exchangesInFlight(), 0);
  });

  test(`${way}: with what is known of the server nothing is asked`, async (t) => {
    const transport = await serveAsking(t, way);
    const first = await openConnection(t, transport);
    const { verdict } = first.connection;
    const { connection } = await openConnection(t, transport, {}, { prior: verdict });
    assert.equal(connection.era, first.connection.era);
    const outcome = await connection.exchange(
      callOf('echo', { text: 'b' }),
      contextOf(),
      undefined,
    );
    assert.equal(textOf(outcome), 'b');
  });

  // Abuse case A9: nobody ever sees what belongs to somebody else.
  test(`${way}: 200 exchanges of many tenants at once keep answers, progress and logs apart`, async (t) => {
    const { connection } = await openConnection(t, await serveAsking(t, way));
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const canary = `canary-${index}`;
        const told: JsonObject[] = [];
        const name = ['echo', 'steps', 'log-aloud', 'log'][index % 4] ?? 'echo';
        const outcome = await connection.exchange(
          callOf(name, { text: canary }),
          contextOf({
            principal: { tenant: `tenant-${index % 20}`, subject: `user-${index}`, roles: [] },
            logLevel: 'info',
            onProgress: (params) => told.push(params),
            onLog: (params) => told.push(params),
          }),
          undefined,
        );
        assert.equal(textOf(outcome), name.startsWith('log') ? 'logged' : canary);
        if (name === 'log' && way.endsWith('http')) assert.equal(told.length, 1);
        for (const params of told) assert.ok(JSON.stringify(params).includes(`"${canary}"`));
        if (name === 'steps')
          assert.deepEqual(
            told.map(({ progress }) => progress),
            [1, 2, 3],
          );
      }),
    );
    assert.equal(connection.exchangesInFlight(), 0);
  });

  test(`${way}: a cancelled exchange is cancelled at the server, and no other`, async (t) => {
    const events: string[] = [];
    const transport = await serveAsking(t, way, (event) => events.push(event));
    const { connection, log } = await openConnection(t, transport);
    const heard = (): readonly string[] => [...events, ...log.map(({ message }) => message)];
    const cancelling = new AbortController();
    const staying = new AbortController();
    t.after(() => staying.abort());
    const cancelled = connection.exchange(
      callOf('wait'),
      contextOf({ signal: cancelling.signal }),
      undefined,
    );
    await until(() => heard().some((event) => event.startsWith('waiting')));
    const id = heard()
      .find((event) => event.startsWith('waiting'))
      ?.slice('waiting '.length);
    const other = connection.exchange(
      callOf('wait'),
      contextOf({ principal: bob, signal: staying.signal }),
      undefined,
    );
    const ended = assert.rejects(other);
    await until(() => heard().filter((event) => event.startsWith('waiting')).length === 2);
    const reason = new Error('enough');
    cancelling.abort(reason);
    await assert.rejects(cancelled, (thrown) => thrown === reason);
    await until(() => heard().some((event) => event.startsWith('aborted')));
    const aborted = heard().filter((event) => event.startsWith('aborted'));
    assert.deepEqual(aborted, [`aborted ${id}`]);
    assert.equal(connection.exchangesInFlight(), 1);
    const after = await connection.exchange(callOf('echo', { text: 'on' }), contextOf(), undefined);
    assert.equal(textOf(after), 'on');
    staying.abort();
    await ended;
  });

  test(`${way}: both the silence and the total time of an exchange are bounded`, async (t) => {
    const limits = { progressTimeoutMs: 1_000 };
    const { connection, clock } = await openConnection(t, await serveAsking(t, way), limits);
    const silent = connection.exchange(callOf('wait'), contextOf(), undefined);
    clock.advance(999);
    clock.advance(1);
    const facts = { server: 'srv', tool: 'wait', sent: 'true' };
    await assert.rejects(silent, isHostError('mcp_timeout', { ...facts, timeout_ms: '1000' }));
    const short = connection.exchange(callOf('wait'), contextOf({ timeoutMs: 500 }), undefined);
    clock.advance(500);
    await assert.rejects(short, isHostError('mcp_timeout', { ...facts, timeout_ms: '500' }));
    assert.equal(connection.exchangesInFlight(), 0);
  });

  test(`${way}: an exchange that is cancelled before it starts is never sent`, async (t) => {
    const events: string[] = [];
    const transport = await serveAsking(t, way, (event) => events.push(event));
    const { connection, log } = await openConnection(t, transport);
    const reason = new Error('no longer wanted');
    const context = contextOf({ principal: ann, signal: AbortSignal.abort(reason) });
    await assert.rejects(
      connection.exchange(callOf('echo'), context, undefined),
      (thrown) => thrown === reason,
    );
    await connection.ping();
    assert.ok(!events.includes('call echo'));
    assert.ok(!log.some(({ message }) => message === 'call echo'));
  });
}

for (const way of ['legacy stdio', 'modern stdio'] as const) {
  test(`${way}: a log message that tells not whose it is reaches nobody while somebody else gave a call up lately`, async (t) => {
    const { connection, clock } = await openConnection(t, await serveAsking(t, way));
    const told: JsonObject[] = [];
    const listening = contextOf({ logLevel: 'info', onLog: (params) => told.push(params) });
    const call = callOf('log', { text: 'canary' });
    await connection.exchange(call, listening, undefined);
    assert.equal(told.length, 1);
    await giveUpCall(connection, bob);
    await connection.exchange(call, listening, undefined);
    assert.equal(told.length, 1);
    clock.advance(300_000);
    await connection.exchange(call, listening, undefined);
    assert.equal(told.length, 2);
  });
}

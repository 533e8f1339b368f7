import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { fixtureProcess, isHostError, until } from '../fixtures/start-gateway.ts';
import { callOf, contextOf, openConnection } from './fixtures/open-connection.ts';
import type { TestConnection } from './fixtures/open-connection.ts';

async function openRaw(t: TestContext, fault = ''): Promise<TestConnection> {
  return await openConnection(t, fixtureProcess('raw-server', fault));
}

const inCall = { server: 'srv', tool: 'act', sent: 'true' };

for (const [title, fault, code] of [
  ['whose process dies', 'dies', 'mcp_connection_failed'],
  ['that writes JSON that is broken', 'broken-json', 'mcp_protocol_error'],
] as const) {
  test(`a server ${title} fails all that is in flight, and the connection is over`, async (t) => {
    const { connection, closings } = await openRaw(t, fault);
    const going = [1, 2, 3].map(async () => {
      await assert.rejects(
        connection.exchange(callOf('act'), contextOf(), undefined),
        isHostError(code, inCall),
      );
    });
    await Promise.all(going);
    assert.equal(connection.exchangesInFlight(), 0);
    assert.ok(isHostError(code)(closings[0]));
    await assert.rejects(connection.exchange(callOf('act'), contextOf(), undefined), (error) => {
      assert.ok(isHostError(code, { tool: 'act' })(error));
      assert.ok(!isHostError(code, { sent: 'true' })(error));
      return true;
    });
  });
}

for (const [title, fault, code] of [
  ['that is too large', 'huge', 'mcp_result_too_large'],
  ['nested too deeply', 'nested', 'mcp_protocol_error'],
  ['that is no message', 'no-message', 'mcp_protocol_error'],
  ['of a wrong shape', 'wrong-shape', 'mcp_protocol_error'],
] as const) {
  test(`an answer ${title} fails its own exchange only`, async (t) => {
    const { connection, closings } = await openRaw(t, fault);
    await assert.rejects(
      connection.exchange(callOf('act'), contextOf(), undefined),
      isHostError(code, inCall),
    );
    await connection.lists();
    assert.deepEqual(closings, []);
  });
}

test('a server that ends when it is asked is started again without the question', async (t) => {
  const { connection, closings } = await openRaw(t, 'dies-when-asked');
  assert.deepEqual(connection.verdict, { kind: 'legacy' });
  assert.deepEqual(closings, []);
  const outcome = await connection.exchange(callOf('act'), contextOf(), undefined);
  assert.equal(outcome.kind, 'complete');
});

test('a server that does not read is sent no more than fits, and what was not sent fails as such', async (t) => {
  const opened = await openRaw(t, 'hangs');
  const { connection, log } = opened;
  const first = connection.exchange(callOf('act'), contextOf(), undefined);
  await until(() => log.some(({ message }) => message === 'called'));
  const text = 'x'.repeat(2_000_000);
  const second = connection.exchange(callOf('act', { text }), contextOf(), undefined);
  await assert.rejects(connection.exchange(callOf('act'), contextOf(), undefined), (error) => {
    assert.ok(isHostError('mcp_connection_failed', { tool: 'act' })(error));
    assert.ok(!isHostError('mcp_connection_failed', { sent: 'true' })(error));
    assert.match(String(error), /it does not take further requests/);
    return true;
  });
  const failing = [first, second].map(async (going) =>
    assert.rejects(going, isHostError('mcp_connection_failed', inCall)),
  );
  await opened.close();
  await Promise.all(failing);
});

test('an answer that comes too late is of no account', async (t) => {
  const { connection, log } = await openRaw(t);
  const cancelling = new AbortController();
  const context = contextOf({ signal: cancelling.signal });
  const going = connection.exchange(callOf('act'), context, undefined);
  cancelling.abort(new Error('enough'));
  await assert.rejects(going, /enough/);
  await until(() => log.some(({ message }) => message === 'cancelled'));
  await connection.lists();
  assert.deepEqual(
    log.map(({ message }) => message),
    ['cancelled'],
  );
});

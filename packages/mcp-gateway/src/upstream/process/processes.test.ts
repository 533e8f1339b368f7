import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import test from 'node:test';
import { isHostError, serverSpec, startGateway, until } from '../../fixtures/start-gateway.ts';
import type { StartedGateway } from '../../fixtures/start-gateway.ts';
import type { ToolServerSpec } from '../../index.ts';
import { isGroupRunning } from './process-group.ts';

const script = fileURLToPath(new URL('../../fixtures/raw-server.ts', import.meta.url));

/** A server within a shell that says who leads the process group and then waits for it, as `npx` would. */
function wrapped(fault: string): ToolServerSpec['transport'] {
  const line = `echo "leader $$" >&2; "${process.execPath}" "${script}" ${fault}; echo over >&2`;
  return { type: 'stdio', command: 'sh', args: ['-c', line], env: {} };
}

async function leaderOf({ logged }: StartedGateway): Promise<number> {
  const { message } = await logged('leader ');
  return Number(message.replace('leader ', ''));
}

for (const fault of ['', 'stubborn', 'leaves-child']) {
  test(`closing leaves no process of a wrapped server behind (${fault || 'well behaved'})`, async (t) => {
    const started = startGateway(t, [serverSpec('wrap', wrapped(fault))]);
    const leader = await leaderOf(started);
    await started.gateway.connected();
    assert.equal((await started.call('wrap__act')).content, 'done');
    if (fault === 'leaves-child') await started.logged('child is up');
    assert.equal(isGroupRunning(leader), true);
    await started.gateway.close();
    assert.equal(isGroupRunning(leader), false);
  });
}

test('killing leaves no process of a stubborn server behind, at once', async (t) => {
  const started = startGateway(t, [serverSpec('wrap', wrapped('stubborn'))], {
    endingTimes: { inputEndMs: 60_000, terminateMs: 60_000, killMs: 2_000 },
  });
  const leader = await leaderOf(started);
  await started.gateway.connected();
  started.gateway.kill();
  await until(() => !isGroupRunning(leader));
});

test('closing while a silent server is still connecting leaves no process behind', async (t) => {
  const started = startGateway(t, [serverSpec('wrap', wrapped('silent'))]);
  const leader = await leaderOf(started);
  assert.equal(started.gateway.servers()[0]?.state, 'connecting');
  await started.gateway.close();
  await started.gateway.connected();
  assert.equal(isGroupRunning(leader), false);
});

test('a server that did not connect in time is ended, though the gateway goes on', async (t) => {
  const spec = serverSpec('wrap', wrapped('silent'), { connectTimeoutMs: 1_500 });
  const started = startGateway(t, [spec]);
  const leader = await leaderOf(started);
  await started.gateway.connected();
  await started.gateway.close();
  assert.equal(isGroupRunning(leader), false);
});

test('when the leader is killed in a call, the call fails, its group is ended and the next call starts anew', async (t) => {
  const started = startGateway(t, [serverSpec('wrap', wrapped('silent-tool'))]);
  const leader = await leaderOf(started);
  await started.gateway.connected();
  const calling = started.call('wrap__act');
  await started.logged('called');
  process.kill(leader, 'SIGKILL');
  await assert.rejects(calling, isHostError('mcp_connection_failed', { tool: 'wrap__act' }));
  await until(() => !isGroupRunning(leader));
  assert.match(started.gateway.servers()[0]?.error ?? '', /its process ended \(SIGKILL\)/);
  const cancel = new AbortController();
  const again = started.call('wrap__act', {}, { signal: cancel.signal });
  const isCalledTwice = (): boolean =>
    started.entries.filter(({ message }) => message === 'called').length === 2;
  await until(isCalledTwice);
  cancel.abort(new Error('enough'));
  await assert.rejects(again, /enough/);
  await started.logged('cancelled');
});

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import test from 'node:test';
import { createManualClock } from '../../fixtures/manual-clock.ts';
import { isHostError, serverSpec, startGateway, until } from '../../fixtures/start-gateway.ts';
import type { StartedGateway } from '../../fixtures/start-gateway.ts';
import type { ToolServerSpec } from '../../index.ts';
import { isGroupRunning } from './process-group.ts';

const linuxOnly = { skip: process.platform === 'linux' ? false : 'there is no /proc' };
/** Ignores the end of its input and has a child that ignores all else. */
const stubbornLoop = `sh -c "trap '' TERM INT HUP; while :; do sleep 60; done"; true`;
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

test('closing ends what a server started in a session of its own', linuxOnly, async (t) => {
  const escape = `require('child_process').spawn('sleep', ['997'], { detached: true, stdio: 'ignore' })`;
  const line = `"${process.execPath}" -e "const child = ${escape}; child.unref(); console.error('escaped ' + child.pid)"; exec "${process.execPath}" "${script}"`;
  const transport = { type: 'stdio', command: 'sh', args: ['-c', line], env: {} } as const;
  const started = startGateway(t, [serverSpec('wrap', transport)]);
  const { message } = await started.logged('escaped ');
  await started.gateway.connected();
  const escaped = Number(message.replace('escaped ', ''));
  assert.equal(isGroupRunning(escaped), true);
  await started.gateway.close();
  await until(() => !isGroupRunning(escaped));
});

test('killing leaves no process of a stubborn server behind, at once', async (t) => {
  const started = startGateway(t, [serverSpec('wrap', wrapped('stubborn'))], {
    clock: createManualClock(),
    endingTimes: { inputEndMs: 60_000, terminateMs: 60_000, killMs: 60_000 },
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
  const clock = createManualClock();
  const started = startGateway(t, [serverSpec('wrap', wrapped('silent'))], { clock });
  const leader = await leaderOf(started);
  clock.advance(60_000);
  await started.gateway.connected();
  assert.equal(started.gateway.servers()[0]?.state, 'failed');
  await until(() => !isGroupRunning(leader));
});

test('when the leader is killed in a call, the call fails, its group is ended and the next call starts anew', async (t) => {
  const spec = serverSpec('wrap', wrapped('silent-tool'));
  const started = startGateway(t, [spec], { clock: createManualClock() });
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

test('a server that hangs in a call is given up, ended, and started anew', async (t) => {
  const clock = createManualClock();
  const spec = serverSpec('wrap', wrapped('hangs'), { callTimeoutMs: 300 });
  const started = startGateway(t, [spec], { clock });
  const leader = await leaderOf(started);
  await started.gateway.connected();
  const state = (): string | undefined => started.gateway.servers()[0]?.state;
  const calling = started.call('wrap__act');
  await started.logged('called');
  clock.advance(300);
  await assert.rejects(calling, isHostError('mcp_timeout', { sent: 'true' }));
  assert.equal(state(), 'degraded');
  // Now it is asked for a sign of life, for which it has as long as for connecting.
  clock.advance(spec.connectTimeoutMs);
  await until(() => state() === 'failed' && !isGroupRunning(leader));
  assert.match(started.gateway.servers()[0]?.error ?? '', /it no longer answers/);
  clock.advance(1_000);
  await until(() => state() === 'ready');
});

test('a server that takes too much memory is ended, and says why', linuxOnly, async (t) => {
  const clock = createManualClock();
  const spec = serverSpec('wrap', wrapped('grows'), { memoryBytesMax: 150_000_000 });
  const started = startGateway(t, [spec], { clock });
  const leader = await leaderOf(started);
  await started.gateway.connected();
  const calling = started.call('wrap__act');
  await started.logged('grown 40');
  clock.advance(2_000);
  await assert.rejects(calling, isHostError('mcp_connection_failed', { sent: 'true' }));
  await until(() => !isGroupRunning(leader));
  assert.match(
    started.gateway.servers()[0]?.error ?? '',
    /it took \d+ of 150000000 bytes of memory/,
  );
});

test('five connections to a stubborn server, one after the other, leave no process behind', async (t) => {
  const leaders: number[] = [];
  for (let cycle = 0; cycle < 5; cycle += 1) {
    const line = `trap '' TERM INT HUP; echo "leader $$" >&2; ${stubbornLoop}`;
    const transport = { type: 'stdio', command: 'sh', args: ['-c', line], env: {} } as const;
    const started = startGateway(t, [serverSpec('wrap', transport)], {
      endingTimes: { inputEndMs: 1, terminateMs: 1, killMs: 60_000 },
    });
    leaders.push(await leaderOf(started)); // oxlint-disable-line no-await-in-loop
    await started.gateway.close(); // oxlint-disable-line no-await-in-loop
  }
  assert.deepEqual(leaders.filter(isGroupRunning), []);
});

test('of what a server prints for people, so much goes to the log and no more', async (t) => {
  const line =
    'echo words >&2; yes "$(printf %0999d 0)" | head -c 400000 >&2; echo after >&2; sleep 60';
  const transport = { type: 'stdio', command: 'sh', args: ['-c', line], env: {} } as const;
  const started = startGateway(t, [serverSpec('loud', transport)]);
  await started.logged('(further output of this process is left out)');
  const bytes = started.entries.reduce((sum, { message }) => sum + message.length + 1, 0);
  assert.ok(bytes > 200_000 && bytes < 400_000);
  assert.equal(started.entries[0]?.message, 'words');
  assert.ok(!started.entries.some(({ message }) => message === 'after'));
});

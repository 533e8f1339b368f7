import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../fixtures/start-gateway.ts';
import { markName } from './marked-processes.ts';
import { isGroupRunning, signalGroup } from './process-group.ts';
import { createWatchdog } from './watchdog.ts';

const linuxOnly = { skip: process.platform === 'linux' ? false : 'there is no /proc' };
const host = fileURLToPath(new URL('../../fixtures/killed-host.ts', import.meta.url));

/** A process group that ends by nothing but SIGKILL, with the mark in its environment. */
async function startStubborn(t: TestContext, mark = 'none'): Promise<number> {
  const script = "trap '' TERM INT HUP; echo up; while :; do sleep 60; done";
  const child = spawn('sh', ['-c', script], {
    detached: true,
    env: { PATH: '/usr/bin:/bin', [markName]: mark },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const leader = child.pid ?? assert.fail('not started');
  t.after(() => signalGroup(leader, 'SIGKILL'));
  await once(child.stdout, 'data');
  child.stdout.destroy();
  return leader;
}

test('when the host is killed, no process of its servers stays, however stubborn', async () => {
  const killed = spawn(process.execPath, [host, '3'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const leaders: number[] = [];
  for await (const line of createInterface({ input: killed.stdout })) {
    if (line.startsWith('leader ')) leaders.push(Number(line.slice(7)));
    if (leaders.length === 3) break;
  }
  assert.deepEqual(leaders.map(isGroupRunning), [true, true, true]);
  killed.kill('SIGKILL');
  await until(() => !leaders.some(isGroupRunning));
});

test('closing lets those live that are no longer listed, and kills the others', async (t) => {
  const watchdog = createWatchdog(() => assert.fail('it has nothing to say'));
  const [first, second, third] = [
    await startStubborn(t),
    await startStubborn(t),
    await startStubborn(t),
  ];
  for (const leader of [first, second, third]) watchdog.add(leader, `mark-${leader}`);
  watchdog.delete(second);
  await watchdog.close();
  await until(() => !isGroupRunning(first) && !isGroupRunning(third));
  assert.equal(isGroupRunning(second), true);
});

test('closing what never watched anything is at once over, and a closed one starts nothing', async (t) => {
  const watchdog = createWatchdog(() => assert.fail('it has nothing to say'));
  await watchdog.close();
  const leader = await startStubborn(t);
  watchdog.add(leader, 'mark');
  await watchdog.close();
  assert.equal(isGroupRunning(leader), true);
});

test('what left the group of its server goes with it too', linuxOnly, async (t) => {
  const watchdog = createWatchdog(() => assert.fail('it has nothing to say'));
  const server = await startStubborn(t, 'mark-1');
  const escaped = await startStubborn(t, 'mark-1');
  const another = await startStubborn(t, 'mark-2');
  watchdog.add(server, 'mark-1');
  await watchdog.close();
  await until(() => !isGroupRunning(server) && !isGroupRunning(escaped));
  assert.equal(isGroupRunning(another), true);
});

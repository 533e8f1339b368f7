import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAuditFile } from '@modelhost/audit';
import { HealthStatus, ToolServerState } from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import { createComponents } from './components.ts';
import { readHostConfig } from './config/read-config.ts';
import { startChatProvider } from './fixtures/chat-provider.ts';
import {
  keys,
  makeDirectory,
  startSilently,
  startTestHost,
  task,
  writeHostConfig,
} from './fixtures/started-host.ts';

test('an outage outside degrades the host, which goes on serving', async () => {
  const provider = await startChatProvider();
  await provider[Symbol.asyncDispose]();
  const scripted = { name: 'spare', type: 'scripted', models: [{ id: 'spare', model: 'report' }] };
  await using started = await startTestHost({
    // Nobody listens there any more.
    providers: [provider.config, scripted],
    tools: { servers: [{ alias: 'broken', command: './no-such-program', tenants: ['acme'] }] },
    agent: { model: 'spare' },
  });
  const alice = started.connect();
  const serverState = async (): Promise<ToolServerState | undefined> =>
    (await alice.listTools()).servers[0]?.state;
  while ((await serverState()) === ToolServerState.CONNECTING);
  const response = await fetch(`http://${started.host.healthAddress}/ready`);
  assert.equal(response.status, 200);
  // The shape is asserted in health-server.test.ts.
  const { status, components } = (await response.json()) as {
    status: string;
    components: Record<string, { status: string; error: string | null }>;
  };
  assert.equal(status, 'degraded');
  const found = Object.entries(components).map(([name, part]) => [name, part.status]);
  assert.deepEqual(found, [
    ['audit', 'up'],
    ['policy', 'up'],
    ['provider/main', 'degraded'],
    ['provider/spare', 'up'],
    ['storage', 'up'],
    ['tools/broken', 'degraded'],
  ]);
  assert.notEqual(components['tools/broken']?.error ?? '', '');
  const report = await alice.getStatus();
  assert.equal(report.status, HealthStatus.DEGRADED);
  assert.deepEqual(
    report.components.map(({ name }) => name),
    found.map(([name]) => name),
  );
  const other = await started.connect(keys.carol.key).getStatus();
  assert.equal(other.status, HealthStatus.DEGRADED);
  assert.deepEqual(
    other.components.map(({ name }) => name),
    found.map(([name]) => name).filter((name) => name !== 'tools/broken'),
  );
  let last: string | undefined;
  for await (const { event } of alice.run(task('hello'))) last = event.case;
  assert.equal(last, 'runFinished');
});

test('without its audit the host is down', async (t) => {
  const directory = makeDirectory(t);
  const audit = await openAuditFile({ path: join(directory, 'audit.jsonl'), now: () => 1 });
  const components = createComponents({
    audit,
    storage: { check: async () => {} },
    policyControl: { status: () => assert.fail(), check: async () => assert.fail() },
    providers: new Map(),
    tools: { servers: () => [] },
  });
  const check = components.find(({ name }) => name === 'audit') ?? assert.fail();
  assert.equal(check.isRequired, true);
  await check.check(new AbortController().signal);
  await audit.close();
  await assert.rejects(check.check(new AbortController().signal), { code: 'audit_unavailable' });
});

test('a host that cannot start leaves nothing behind: it starts at once when the reason is gone', async (t) => {
  await using other = await startTestHost();
  const port = Number(other.host.healthAddress.split(':')[1]);
  const directory = makeDirectory(t);
  const free = await startTestHost();
  const grpcPort = Number(free.host.grpcAddress.split(':')[1]);
  await free[Symbol.asyncDispose]();
  writeHostConfig(directory, { server: { port: grpcPort, healthPort: port } });
  const read = (flags: readonly string[]) =>
    readHostConfig({ file: join(directory, 'host.yaml'), environment: {}, flags });
  await assert.rejects(
    startSilently(read([])),
    (thrown) => thrown instanceof HostError && thrown.code === 'config_invalid',
  );
  await assert.rejects(once(connect(grpcPort, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
  // The audit file is locked by whoever has it open.
  await (await startSilently(read(['server.healthPort=0']))).drain();
});

test('what the configuration names must be usable before anything is opened', async (t) => {
  const directory = makeDirectory(t);
  const models = [{ id: 'model', model: 'x' }];
  const scripted = (scriptFile: string): object => ({
    name: 'main',
    type: 'scripted',
    scriptFile,
    models,
  });
  for (const [change, told] of [
    [{ providers: [scripted('policies/test.cedar')] }, /^policies\/test\.cedar: /],
    [{ providers: [scripted('host.yaml')] }, /^host\.yaml: script: /],
  ] as const) {
    await assert.rejects(
      startSilently(writeHostConfig(directory, change)),
      (thrown) =>
        thrown instanceof HostError &&
        thrown.code === 'config_invalid' &&
        told.test(thrown.message),
    );
  }
  await (await startSilently(writeHostConfig(directory))).drain();
});

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);
const skip = !hasIpv6 && 'this machine has no IPv6';

test('an address of IPv6 is written so that clients can use it', { skip }, async () => {
  await using started = await startTestHost({ server: { host: '::1' } });
  assert.match(started.host.grpcAddress, /^\[::1\]:\d+$/);
  assert.equal((await started.connect().getStatus()).version, '1.2.3');
  assert.equal((await fetch(`http://${started.host.healthAddress}/health`)).status, 200);
});

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { assertWithin, withSlack } from '@modelhost/timing';
import { serveCounting } from './fixtures/counting-server.ts';
import { createHttpToolSet, serveHttp } from './fixtures/http-server.ts';
import {
  fixtureProcess,
  isHostError,
  serverSpec,
  startGateway,
  until,
} from './fixtures/start-gateway.ts';
import { listenHttp } from './outbound/fixtures/http-listener.ts';
import { isGroupRunning } from './upstream/process/process-group.ts';

const ci = process.env['CI'];

async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

test('a process that is killed in a call fails it within a second, and the next call works', async (t) => {
  await assertWithin(t, withSlack(1_000, ci), () => msUntilFailed(t));
});

async function msUntilFailed(t: TestContext): Promise<number> {
  const script = fileURLToPath(new URL('fixtures/raw-server.ts', import.meta.url));
  const line = `echo "leader $$" >&2; exec "${process.execPath}" "${script}" "$0"`;
  const args = ['-c', line, 'silent-tool'];
  const spec = serverSpec('raw', { type: 'stdio', command: 'sh', args, env: {} });
  const started = startGateway(t, [spec, serverSpec('good', fixtureProcess('raw-server'))]);
  const { message } = await started.logged('leader ');
  await started.gateway.connected();
  const calling = started.call('raw__act');
  await started.logged('called');
  const ms = await millisecondsOf(async () => {
    process.kill(Number(message.replace('leader ', '')), 'SIGKILL');
    await assert.rejects(calling, isHostError('mcp_connection_failed', { sent: 'true' }));
  });
  assert.equal((await started.call('good__act')).content, 'done');
  const cancel = new AbortController();
  const again = started.call('raw__act', {}, cancel);
  await until(() => started.entries.filter((entry) => entry.message === 'called').length === 2);
  cancel.abort(new Error('over'));
  await assert.rejects(again, /over/);
  return ms;
}

test('a server that hangs delays neither the lists nor the calls of others by 100 ms', async (t) => {
  const server = await serveCounting('modern');
  t.after(() => server.close());
  // Takes requests and never answers.
  const hung = await listenHttp(t, () => {});
  const good = { type: 'http', url: server.url, headers: {} } as const;
  const { gateway, call } = startGateway(t, [
    serverSpec('hung', { type: 'http', url: `${hung.origin}/mcp`, headers: {} }),
    serverSpec('silent', fixtureProcess('raw-server', 'silent')),
    serverSpec('good', good),
  ]);
  await until(() => gateway.servers()[2]?.state === 'ready');
  await call('good__count', { id: 'warm' });
  await assertWithin(t, withSlack(100, ci), () =>
    millisecondsOf(async () => {
      assert.equal(gateway.listTools('acme').length, 1);
      assert.equal(gateway.relay.catalogue('acme').tools.length, 1);
    }),
  );
  await assertWithin(t, withSlack(100, ci), (attempt) =>
    millisecondsOf(() => call('good__count', { id: `${attempt}` })),
  );
  assert.deepEqual(
    gateway.servers().map(({ state }) => state),
    ['connecting', 'connecting', 'ready'],
  );
});

test('stdio: a call that is cancelled is cancelled at the server within 250 ms', async (t) => {
  const started = startGateway(t, [serverSpec('fix', fixtureProcess('asking-process'))]);
  await started.gateway.connected();
  await assertWithin(t, withSlack(250, ci), async (attempt) => {
    const cancel = new AbortController();
    const text = `me-${attempt}`;
    const calling = started.call('fix__wait', { text }, cancel);
    await started.logged(`waiting ${text}`);
    return await millisecondsOf(async () => {
      cancel.abort(new Error('enough'));
      await assert.rejects(calling, /enough/);
      await started.logged(`cancelled ${text}`);
    });
  });
});

for (const era of ['modern', 'legacy'] as const) {
  test(`${era} HTTP: a call that is cancelled is cancelled at the server within 250 ms`, async (t) => {
    await assertWithin(t, withSlack(250, ci), () => msUntilCancelled(t, era));
  });
}

async function msUntilCancelled(t: TestContext, era: 'modern' | 'legacy'): Promise<number> {
  const called = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const handler = createHttpToolSet(era, (event) => {
    if (event === 'call wait') called.resolve();
    if (event === 'aborted') aborted.resolve();
  });
  const fixture = await serveHttp(handler);
  t.after(() => fixture.close());
  const transport = { type: 'http', url: fixture.url, headers: {} } as const;
  const started = startGateway(t, [serverSpec('fix', transport)]);
  await started.gateway.connected();
  const cancel = new AbortController();
  const calling = started.call('fix__wait', {}, cancel);
  await called.promise;
  const ms = await millisecondsOf(async () => {
    cancel.abort(new Error('enough'));
    await assert.rejects(calling, /enough/);
    await aborted.promise;
  });
  assert.equal((await started.call('fix__echo', { text: 'still here' })).content, 'still here');
  return ms;
}

test('200 connections to a stubborn server behind a shell leave no process behind', async (t) => {
  const script = fileURLToPath(new URL('fixtures/raw-server.ts', import.meta.url));
  const line = `trap '' TERM; echo "leader $$" >&2; "${process.execPath}" "${script}" stubborn; true`;
  const transport = { type: 'stdio', command: 'sh', args: ['-c', line], env: {} } as const;
  const endingTimes = { inputEndMs: 5, terminateMs: 5, killMs: 5_000 };
  const leaders = new Set<number>();

  async function cycle(): Promise<void> {
    const started = startGateway(t, [serverSpec('wrap', transport)], { endingTimes });
    await started.gateway.connected();
    const { message } = await started.logged('leader ');
    leaders.add(Number(message.replace('leader ', '')));
    await started.gateway.close();
  }

  for (let round = 0; round < 25; round += 1) {
    await Promise.all(Array.from({ length: 8 }, cycle)); // oxlint-disable-line no-await-in-loop
  }
  assert.equal(leaders.size, 200);
  assert.deepEqual([...leaders].filter(isGroupRunning), []);
});

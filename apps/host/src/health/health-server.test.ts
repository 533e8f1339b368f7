import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { listenForHealth } from './health-server.ts';
import type { HealthServer } from './health-server.ts';
import { createReadiness } from './readiness.ts';
import type { Component } from './readiness.ts';

/** A listener for one component. */
async function listen(
  component: Component,
  port = 0,
): Promise<{ readonly server: HealthServer; readonly url: string; readonly drain: () => void }> {
  const readiness = createReadiness({
    components: [component],
    now: () => Date.UTC(2026, 0, 2),
    checkTimeoutMs: 60_000,
    keepMs: 0,
    hide: (text) => text,
  });
  const server = await listenForHealth({ host: '127.0.0.1', port, version: '1.2.3', readiness });
  const url = `http://127.0.0.1:${server.address.port}`;
  return { server, url, drain: () => readiness.drain() };
}

const down = async (): Promise<void> =>
  Promise.reject(new HostError('audit_unavailable', 'the disk is full'));

test('the process lives, whatever its parts do', async () => {
  const { server, url } = await listen({ name: 'audit', isRequired: true, check: down });
  const response = await fetch(`${url}/health`);
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { status: 'up', version: '1.2.3' });
  await server.close();
});

test('ready is 200 while the host should get traffic, and 503 while it should not', async () => {
  for (const [check, isRequired, code, status] of [
    [async () => {}, true, 200, 'up'],
    [down, false, 200, 'degraded'],
    [down, true, 503, 'down'],
  ] as const) {
    const { server, url } = await listen({ name: 'part', isRequired, check });
    const response = await fetch(`${url}/ready?verbose`);
    assert.equal(response.status, code);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    assert.deepEqual(await response.json(), {
      status,
      draining: false,
      timestamp: '2026-01-02T00:00:00.000Z',
      components: {
        part: { status, latencyMs: 0, error: status === 'up' ? null : 'the disk is full' },
      },
    });
    await server.close();
  }
});

test('a host that drains is not ready and alive', async () => {
  const { server, url, drain } = await listen({
    name: 'part',
    isRequired: true,
    check: async () => {},
  });
  drain();
  const ready = await fetch(`${url}/ready`);
  assert.equal(ready.status, 503);
  // The shape is asserted above.
  assert.equal(((await ready.json()) as { draining: boolean }).draining, true);
  assert.equal((await fetch(`${url}/health`)).status, 200);
  await server.close();
});

test('there is nothing else, and nothing to write', async () => {
  const { server, url } = await listen({ name: 'part', isRequired: true, check: async () => {} });
  for (const path of ['/', '/metrics', '/health/', '/ready/x', '//health', '/%68ealth']) {
    assert.equal((await fetch(`${url}${path}`)).status, 404, path);
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const response = await fetch(`${url}/ready`, { method });
    assert.equal(response.status, 405, method);
    assert.equal(response.headers.get('allow'), 'GET, HEAD');
  }
  const head = await fetch(`${url}/ready`, { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), '');
  await server.close();
});

test('an address that is taken is told as what it is', async () => {
  const component = { name: 'part', isRequired: true, check: async () => {} };
  const { server } = await listen(component);
  await assert.rejects(
    listen(component, server.address.port),
    (thrown) =>
      thrown instanceof HostError &&
      thrown.code === 'config_invalid' &&
      thrown.message.includes(`127.0.0.1:${server.address.port}`),
  );
  await server.close();
});

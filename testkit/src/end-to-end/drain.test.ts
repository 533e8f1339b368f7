import assert from 'node:assert/strict';
import test from 'node:test';
import { RunEndReason } from '@modelhost/contracts';
import { ended } from './processes.ts';
import { startTenRuns } from './ten-runs.ts';

const { COMPLETED, CANCELLED } = RunEndReason;

test('SIGTERM lets ten streaming runs finish, takes no new ones, and leaves no process', async (t) => {
  const { host, client, held, endings, children } = await startTenRuns(t, {
    gracefulShutdownTimeoutMs: 60_000,
  });
  host.send('SIGTERM');
  await host.logged('draining');
  const spec = { agent: 'worker', input: [{ part: { case: 'text', value: { text: 'a' } } }] };
  await assert.rejects(client.startRun(spec as Parameters<typeof client.startRun>[0]), {
    code: 'draining',
    grpcStatus: 'UNAVAILABLE',
  });
  assert.equal((await fetch(`http://${host.healthAddress}/ready`)).status, 503);
  assert.equal((await fetch(`http://${host.healthAddress}/health`)).status, 200);
  for (const request of held) request.release();
  const complete = { reason: COMPLETED, cancelledBy: '', text: 'waiting done' };
  assert.deepEqual(
    await endings,
    held.map(() => complete),
  );
  assert.deepEqual(await host.exited, { code: 0, signal: null });
  await ended(children, t.signal);
});

test('past the shutdown timeout every client is told, and the exit code and a warning tell it too', async (t) => {
  const { host, held, endings, children } = await startTenRuns(t, {
    gracefulShutdownTimeoutMs: 200,
    isStubborn: true,
  });
  host.send('SIGTERM');
  const cancelled = { reason: CANCELLED, cancelledBy: 'drain', text: 'waiting ' };
  assert.deepEqual(
    await endings,
    held.map(() => cancelled),
  );
  // The connections to the provider are closed, not left behind.
  await Promise.all(held.map(({ closed }) => closed));
  assert.deepEqual(await host.exited, { code: 1, signal: null });
  assert.partialDeepStrictEqual(await host.logged('runs were cancelled'), {
    level: 'warn',
    cancelled: 10,
  });
  await ended(children, t.signal);
});

for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const) {
  test(`a second ${signal} ends the host at once, and the most stubborn tool server with it`, async (t) => {
    const { host, children } = await startTenRuns(t, {
      gracefulShutdownTimeoutMs: 60_000,
      isStubborn: true,
    });
    host.send(signal);
    await host.logged('draining');
    host.send(signal);
    assert.deepEqual(await host.exited, { code, signal: null });
    await ended(children, t.signal);
  });
}

import assert from 'node:assert/strict';
import test from 'node:test';
import { assertWithin, withSlack } from '@modelhost/timing';
import { startTenRuns } from './ten-runs.ts';

// Answers on their way out and tool servers have some time of their own after the runs.
const closingMs = withSlack(1_000, process.env['CI']);

test('a host whose runs have finished exits well within its shutdown timeout', async (t) => {
  await assertWithin(t, closingMs, async () => {
    const { host, held, endings } = await startTenRuns(t, { gracefulShutdownTimeoutMs: 30_000 });
    host.send('SIGTERM');
    const toldAtMs = performance.now();
    for (const request of held) request.release();
    await endings;
    assert.equal((await host.exited).code, 0);
    return performance.now() - toldAtMs;
  });
});

test('a host whose runs do not finish exits when its shutdown timeout is over', async (t) => {
  const gracefulShutdownTimeoutMs = 500;
  await assertWithin(t, gracefulShutdownTimeoutMs + closingMs, async () => {
    const { host } = await startTenRuns(t, { gracefulShutdownTimeoutMs });
    host.send('SIGTERM');
    const toldAtMs = performance.now();
    assert.equal((await host.exited).code, 1);
    const tookMs = performance.now() - toldAtMs;
    assert.ok(tookMs >= gracefulShutdownTimeoutMs, `${tookMs} ms`);
    return tookMs;
  });
});

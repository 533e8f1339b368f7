import { test } from 'node:test';
import { assertWithin, withSlack } from '@modelhost/timing';
import { startTestHost } from './fixtures/started-host.ts';

test('a host with nothing to do and a caller that stays drains within 500 ms', async (t) => {
  await assertWithin(t, withSlack(500, process.env['CI']), async () => {
    await using started = await startTestHost();
    await started.connect().getStatus();
    const startedMs = performance.now();
    await started.host.drain();
    return performance.now() - startedMs;
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestHost } from './fixtures/started-host.ts';

/** A machine that does other work too gets more time. */
const slack = process.env['CI'] === undefined ? 1 : 4;

test('a host with nothing to do and a caller that stays drains within 500 ms', async () => {
  await using started = await startTestHost();
  await started.connect().getStatus();
  const startedMs = performance.now();
  await started.host.drain();
  assert.ok(performance.now() - startedMs < 500 * slack);
});

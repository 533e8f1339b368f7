import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModelHostClient } from '@modelhost/sdk';
import { apiKey, serveGuarded } from '../fixtures/guarded-server.ts';
import { callTimeMs } from './call-time.ts';

test('a call knows how long its caller waits, and no longer than the host lets it', async () => {
  const seen: number[] = [];
  await using guarded = await serveGuarded({
    requestTimeoutMs: 20_000,
    getStatus: async ({ timeoutMs }) => {
      seen.push(timeoutMs);
      return {};
    },
  });
  const { address } = guarded;
  for (const timeoutMs of [90_000, 10_000]) {
    const client = createModelHostClient({ address, apiKey: apiKey.key, timeoutMs });
    await client.getStatus();
    client.close();
  }
  const [patient, hurried = NaN] = seen;
  assert.equal(patient, 20_000);
  assert.ok(hurried > 0 && hurried <= 10_000, `${hurried} ms`);
});

test('who has no deadline waits as long as the host lets it, and who is late no longer', () => {
  assert.equal(callTimeMs(Infinity, 20_000), 20_000);
  assert.equal(callTimeMs(new Date(0), 20_000), 0);
});

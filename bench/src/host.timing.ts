import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { assertWithin, withSlack } from '@modelhost/timing';
import { createGrpcClient } from './grpc-client.ts';
import { startHost } from './host.ts';
import { createMockProvider } from './mock-provider.ts';
import { runCall } from './targets.ts';

/** How long the provider's request outlives a caller that leaves in the middle of the answer. */
async function msUntilClosed(t: TestContext): Promise<number> {
  const { promise: answered, resolve: onClose } = Promise.withResolvers<boolean>();
  const provider = createMockProvider({ onClose });
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  t.after(() => provider.close());
  // A listening TCP server has an address with a port.
  const { port: providerPort } = provider.address() as AddressInfo;
  const pace = { tokens: 10_000, intervalMs: 10 };
  await using host = await startHost({ providerPort, paces: [pace], cpu: 0, isPinned: false });
  const client = createGrpcClient(host.port, 1);

  const { promise: begun, resolve: onText } = Promise.withResolvers<void>();
  const call = client.call({
    ...runCall(pace, host.apiKey),
    // The first word of the provider: its answer is under way.
    onMessage: (bytes) => bytes.includes(' hello') && onText(),
  });
  await begun;
  const start = performance.now();
  client.close();
  await assert.rejects(call);
  assert.equal(await answered, false);
  return performance.now() - start;
}

test('a caller that leaves ends the request to the provider within 250 ms', async (t) => {
  await assertWithin(t, withSlack(250, process.env['CI']), () => msUntilClosed(t));
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createGrpcClient } from './grpc-client.ts';
import { startHost } from './host.ts';
import { createMockProvider } from './mock-provider.ts';
import { runCall } from './targets.ts';

/** A machine that does other work too gets more time. */
const slack = process.env['CI'] === undefined ? 1 : 4;

test('a caller that leaves ends the request to the provider within 250 ms', async (t) => {
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
  assert.ok(performance.now() - start < 250 * slack);
});

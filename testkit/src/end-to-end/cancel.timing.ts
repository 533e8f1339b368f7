import test from 'node:test';
import type { TestContext } from 'node:test';
import { createModelHostClient } from '@modelhost/sdk';
import { assertWithin, withSlack } from '@modelhost/timing';
import { bufCurl } from './buf-curl.ts';
import type { BufCall } from './buf-curl.ts';
import { createSetup } from './host-setup.ts';
import { startMockProvider } from './mock-provider.ts';
import type { MockAnswer, MockProvider } from './mock-provider.ts';
import { startHost } from './start-host.ts';
import type { HostProcess } from './start-host.ts';
import { toolsReady } from './tools-ready.ts';

const boundMs = withSlack(250, process.env['CI']);

async function start(t: TestContext): Promise<{ mock: MockProvider; host: HostProcess }> {
  const mock = await startMockProvider(t);
  const host = await startHost(t, createSetup({ providerUrl: mock.url, logLevel: 'debug' }));
  const client = createModelHostClient({ address: host.grpcAddress });
  await toolsReady(client, 'tools').finally(() => client.close());
  return { mock, host };
}

function run(t: TestContext, address: string, answer: MockAnswer): BufCall {
  const data = { spec: { agent: 'worker', input: [{ text: { text: JSON.stringify(answer) } }] } };
  return bufCurl(t, { address, method: 'modelhost.v1.AgentService/Run', data });
}

test('a client that goes away closes the request to the provider within 250 ms', async (t) => {
  const { mock, host } = await start(t);
  await assertWithin(t, boundMs, async (attempt) => {
    const id = `attempt-${attempt}`;
    const running = run(t, host.grpcAddress, { type: 'wait', id });
    const held = await mock.held(id);
    const killedAtMs = performance.now();
    running.kill();
    return (await held.closed) - killedAtMs;
  });
});

test('a client that goes away cancels the tool call in flight within 250 ms', async (t) => {
  // The server tells of each cancel once, so each attempt has a host of its own.
  await assertWithin(t, boundMs, async () => {
    const { host } = await start(t);
    const calls = [{ name: 'tools__wait', arguments: '{"text":"a"}' }];
    const running = run(t, host.grpcAddress, { type: 'calls', calls });
    await host.logged('wait: called');
    const killedAtMs = performance.now();
    running.kill();
    await host.logged('wait: cancelled');
    return performance.now() - killedAtMs;
  });
});

import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { createManualClock } from '../fixtures/manual-clock.ts';
import type { ManualClock } from '../fixtures/manual-clock.ts';
import {
  fixtureProcess,
  isHostError,
  serverSpec,
  somebody,
  startGateway,
  until,
} from '../fixtures/start-gateway.ts';
import type { StartedGateway } from '../fixtures/start-gateway.ts';
import { watchedMax } from './changes.ts';
import { errorTo, legacyServer } from './fixtures/scripted-server.ts';
import { serveHandler } from './fixtures/serve-asking.ts';
import { defaultSupervisionTimes } from './supervisor-retry.ts';

const uri = 'file:///watched';
const idleMs = 600_000;

interface Watched extends StartedGateway {
  readonly clock: ManualClock;
  /** The URIs of resources that were said to have changed. */
  readonly updated: readonly string[];
  /** How often the server was asked for that. */
  readonly asked: (method: string) => number;
}

async function start(t: TestContext): Promise<Watched> {
  const clock = createManualClock();
  const transport = fixtureProcess('asking-process');
  const started = startGateway(t, [serverSpec('fix', transport, { start: 'lazy', idleMs })], {
    clock,
  });
  const updated: string[] = [];
  started.gateway.relay.onChange((change) => {
    if (change.type === 'resource-updated') updated.push(`${change.alias} ${change.uri}`);
  });
  const asked = (method: string): number =>
    started.entries.filter(({ message }) => message === `${method} ${uri}`).length;
  return { ...started, clock, updated, asked };
}

test('a resource is asked for once, for all who watch it, and given up with the last of them', async (t) => {
  const { gateway, asked, updated, call, clock } = await start(t);
  const { relay } = gateway;
  const stops = await Promise.all([
    relay.watchResource(somebody, 'fix', uri),
    relay.watchResource(somebody, 'fix', uri),
  ]);
  await until(() => asked('resources/subscribe') === 1);
  await call('fix__touch', { text: uri });
  await until(() => updated.length === 1);
  assert.deepEqual(updated, [`fix ${uri}`]);
  stops[0]?.();
  stops[0]?.();
  await call('fix__echo', { text: 'a turn for what would come' });
  assert.equal(asked('resources/unsubscribe'), 0);
  clock.advance(idleMs);
  assert.equal(gateway.servers()[0]?.state, 'ready');
  stops[1]?.();
  await until(() => asked('resources/unsubscribe') === 1);
  assert.equal(asked('resources/subscribe'), 1);
  // Nobody needs the server any more.
  clock.advance(idleMs);
  assert.equal(gateway.servers()[0]?.state, 'idle');
});

test('the watch that is one too many is refused at once, and those before it stay', async (t) => {
  const { gateway, asked } = await start(t);
  const { relay } = gateway;
  const others = Array.from({ length: watchedMax - 1 }, (_, at) => `${uri}-${at}`);
  await Promise.all([uri, ...others].map((each) => relay.watchResource(somebody, 'fix', each)));
  await assert.rejects(
    relay.watchResource(somebody, 'fix', 'file:///more'),
    isHostError('overloaded'),
  );
  await until(() => asked('resources/subscribe') === 1);
});

test('what the server does not let be watched is asked for again with the next who watches it', async (t) => {
  let asked = 0;
  const handler = legacyServer(
    ({ id, method }) => {
      if (method !== 'resources/subscribe') return { resources: [], resourceTemplates: [] };
      asked += 1;
      return asked === 1 ? errorTo(id, -32_002, 'not yet') : {};
    },
    { resources: { subscribe: true } },
  );
  const transport = await serveHandler(t, handler);
  const { gateway, logged } = startGateway(t, [serverSpec('fix', transport)]);
  await gateway.connected();
  await gateway.relay.watchResource(somebody, 'fix', uri);
  await logged(
    'watching a resource failed: HostError: fix: resources/subscribe: it answered error -32002',
  );
  await gateway.relay.watchResource(somebody, 'fix', uri);
  await until(() => asked === 2);
  await gateway.relay.watchResource(somebody, 'fix', uri);
  await gateway.close();
  assert.equal(asked, 2);
});

test('who watches does so over lost connections too, and hears that something may have been missed', async (t) => {
  const { gateway, asked, updated, call, clock } = await start(t);
  const stop = await gateway.relay.watchResource(somebody, 'fix', uri);
  await until(() => asked('resources/subscribe') === 1);
  await assert.rejects(call('fix__die'), isHostError('mcp_connection_failed', { sent: 'true' }));
  clock.advance(defaultSupervisionTimes.firstRetryMs);
  await until(() => asked('resources/subscribe') === 2);
  await until(() => updated.length === 1);
  await call('fix__touch', { text: uri });
  await until(() => updated.length === 2);
  assert.deepEqual(updated, [`fix ${uri}`, `fix ${uri}`]);
  stop();
});

import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import { until } from '../fixtures/start-gateway.ts';
import type { ConnectionChange } from './changes.ts';
import { openConnection } from './fixtures/open-connection.ts';
import type { TestConnection } from './fixtures/open-connection.ts';
import { errorTo, eventWith, modernServer, streamOf } from './fixtures/scripted-server.ts';
import type { Received } from './fixtures/scripted-server.ts';
import { serveHandler } from './fixtures/serve-asking.ts';

/** A stream on which a server of 2026-07-28 reports changes. */
interface Listening {
  readonly filter: JsonObject;
  readonly signal: AbortSignal;
  tell(method: string, params?: JsonObject): void;
  end(): void;
}

interface Listened extends TestConnection {
  readonly streams: readonly Listening[];
}

const everything = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
};

async function openListening(
  t: TestContext,
  capabilities: JsonObject = everything,
  refuse: (received: Received) => Promise<boolean> = async () => false,
): Promise<Listened> {
  const streams: Listening[] = [];
  const server = modernServer(async (received) => {
    if (await refuse(received)) return errorTo(received.id, -32_601, 'no');
    return streamOf(
      new ReadableStream({
        start: (controller) => void streams.push(listen(received, controller)),
      }),
    );
  }, capabilities);
  return { ...(await openConnection(t, await serveHandler(t, server))), streams };
}

function listen(
  { id, params, signal }: Received,
  controller: ReadableStreamDefaultController<Uint8Array>,
): Listening {
  const filter = isJsonObject(params['notifications']) ? params['notifications'] : {};
  const meta = { 'io.modelcontextprotocol/subscriptionId': id };
  function tell(method: string, told: JsonObject = {}): void {
    const event = eventWith({ method, params: { ...told, _meta: meta } });
    controller.enqueue(Buffer.from(`${event}\n\n`));
  }
  tell('notifications/subscriptions/acknowledged', { notifications: filter });
  return { filter, signal, tell, end: () => controller.close() };
}

/** Resolves when the first stream is there for the client too. */
async function hear(
  streams: readonly Listening[],
  changes: readonly ConnectionChange[],
): Promise<void> {
  await until(() => streams.length === 1);
  streams[0]?.tell('notifications/tools/list_changed');
  await until(() => changes.length === 1);
}

test('what a server can report is listened to on one stream', async (t) => {
  const { streams, changes } = await openListening(t);
  await until(() => streams.length === 1);
  assert.deepEqual(streams[0]?.filter, {
    toolsListChanged: true,
    promptsListChanged: true,
    resourcesListChanged: true,
  });
  streams[0]?.tell('notifications/tools/list_changed');
  streams[0]?.tell('notifications/resources/updated', { uri: 'a:1' });
  streams[0]?.tell('notifications/prompts/list_changed');
  await until(() => changes.length === 2);
  assert.deepEqual(changes, [{ type: 'tools' }, { type: 'prompts' }]);
});

test('watching a resource opens a new stream before it closes the one before', async (t) => {
  const { connection, streams, changes } = await openListening(t);
  await until(() => streams.length === 1);
  await connection.watchResource('a:1');
  assert.deepEqual(streams[1]?.filter['resourceSubscriptions'], ['a:1']);
  await until(() => streams[0]?.signal.aborted === true);
  assert.equal(streams[1]?.signal.aborted, false);
  streams[1]?.tell('notifications/resources/updated', { uri: 'a:1' });
  await until(() => changes.length === 1);
  assert.deepEqual(changes, [{ type: 'resource-updated', uri: 'a:1' }]);
  await connection.unwatchResource('a:1');
  assert.equal(streams[2]?.filter['resourceSubscriptions'], undefined);
});

test('resources that are watched at once leave no gap: the stream before stays until the last one is there', async (t) => {
  const release = Promise.withResolvers<void>();
  const { connection, streams, changes } = await openListening(
    t,
    everything,
    async ({ params }) => {
      const filter = JSON.stringify(params['notifications']);
      if (filter.includes('a:2')) await release.promise;
      return false;
    },
  );
  await hear(streams, changes);
  const first = connection.watchResource('a:1');
  const second = connection.watchResource('a:2');
  // Its stream is out of date before it is there.
  await first;
  await until(() => streams[1]?.signal.aborted === true);
  streams[0]?.tell('notifications/prompts/list_changed');
  await until(() => changes.length === 2);
  release.resolve();
  await second;
  await until(() => streams[0]?.signal.aborted === true);
  assert.deepEqual(streams[2]?.filter['resourceSubscriptions'], ['a:1', 'a:2']);
  assert.equal(streams[2]?.signal.aborted, false);
});

test('a stream stays as long as no other one can be had, and then all that may have changed is told', async (t) => {
  let isRefused = false;
  const { connection, streams, changes, clock } = await openListening(
    t,
    everything,
    async () => isRefused,
  );
  await hear(streams, changes);
  isRefused = true;
  await connection.watchResource('a:1');
  clock.advance(750);
  await until(() => clock.delays().includes(1_500));
  streams[0]?.tell('notifications/tools/list_changed');
  await until(() => changes.length === 2);
  assert.equal(streams[0]?.signal.aborted, false);
  isRefused = false;
  clock.advance(1_500);
  await until(() => changes.length === 6);
  assert.deepEqual(streams[1]?.filter['resourceSubscriptions'], ['a:1']);
  await until(() => streams[0]?.signal.aborted === true);
});

test('a stream that ends is opened again after a while, and what may have been missed is told', async (t) => {
  const { connection, streams, changes, clock } = await openListening(t);
  await connection.watchResource('a:1');
  await until(() => streams.length === 2);
  streams[1]?.end();
  // Half of the time to all of it, by the jitter.
  await clock.elapse(750);
  await until(() => changes.length === 4);
  assert.equal(streams.length, 3);
  assert.deepEqual(changes, [
    { type: 'tools' },
    { type: 'prompts' },
    { type: 'resources' },
    { type: 'resource-updated', uri: 'a:1' },
  ]);
});

test('what may have been missed is told, too, where a stream is opened again for a resource before its time', async (t) => {
  const { connection, streams, changes, clock } = await openListening(t);
  await hear(streams, changes);
  streams[0]?.end();
  await until(() => clock.delays().includes(750));
  await connection.watchResource('a:1');
  assert.deepEqual(changes.slice(1), [
    { type: 'tools' },
    { type: 'prompts' },
    { type: 'resources' },
    { type: 'resource-updated', uri: 'a:1' },
  ]);
  assert.deepEqual(clock.delays(), []);
  // With that it is told: nothing is missed by another one.
  await connection.watchResource('a:2');
  await until(() => streams[1]?.signal.aborted === true);
  assert.equal(changes.length, 5);
});

test('a stream that ends while another one is on its way is not waited for', async (t) => {
  const release = Promise.withResolvers<void>();
  const listening = await openListening(t, everything, async ({ params }) => {
    if (JSON.stringify(params['notifications']).includes('a:1')) await release.promise;
    return false;
  });
  const { connection, streams, changes, clock } = listening;
  await hear(streams, changes);
  const watching = connection.watchResource('a:1');
  streams[0]?.end();
  await until(() => clock.delays().includes(750));
  release.resolve();
  await watching;
  assert.deepEqual(clock.delays(), []);
  assert.equal(changes.length, 5);
});

test('a stream that ends while another one is due waits with it', async (t) => {
  let isRefused = false;
  const listening = await openListening(t, everything, async () => isRefused);
  const { connection, streams, changes, clock } = listening;
  await hear(streams, changes);
  isRefused = true;
  await connection.watchResource('a:1');
  assert.deepEqual(clock.delays(), [750]);
  streams[0]?.end();
  await until(() => clock.delays().includes(1_500));
  assert.deepEqual(clock.delays(), [1_500]);
});

test('a server that does not take it is asked ever later, and at last no more', async (t) => {
  let refusals = 0;
  const { clock, log } = await openListening(t, everything, async () => {
    refusals += 1;
    return true;
  });
  const waits = [
    750, 1_500, 3_000, 6_000, 12_000, 24_000, 45_000, 45_000, 45_000, 45_000, 45_000, 45_000,
  ];
  for (const wait of waits) {
    await clock.elapse(wait); // oxlint-disable-line no-await-in-loop
  }
  await until(() => refusals === 13);
  await until(() => log.length === 13);
  assert.deepEqual(clock.delays(), []);
});

test('a server that reports nothing is not listened to, until a resource is watched', async (t) => {
  const { connection, streams } = await openListening(t, {
    tools: {},
    resources: { subscribe: true },
  });
  await connection.ping().catch(() => {});
  assert.equal(streams.length, 0);
  await connection.watchResource('a:1');
  assert.deepEqual(
    streams.map(({ filter }) => filter),
    [{ resourceSubscriptions: ['a:1'] }],
  );
});

test('watching a resource of a server that cannot report it does nothing', async (t) => {
  const { connection, streams } = await openListening(t, { tools: {}, resources: {} });
  await connection.watchResource('a:1');
  assert.equal(streams.length, 0);
});

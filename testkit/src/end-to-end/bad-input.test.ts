import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import test from 'node:test';
import { ToolServerState } from '@modelhost/contracts';
import { startWorld } from './bad-input-world.ts';
import type { Row, World } from './bad-input-world.ts';
import { badCalls, badRequests, badSpecs, goodRun } from './bad-requests.ts';
import { badProviders, badToolCalls, badToolServers } from './bad-surroundings.ts';
import { childrenOf, commandOf, hasProc, residentBytes } from './processes.ts';
import { callRaw } from './raw-call.ts';
import type { CallFailure } from './raw-call.ts';

const healthCheck = 'grpc.health.v1.Health/Check';
const growthBytesMax = 256 * 1_048_576;

const badConnections: readonly Row[] = [
  {
    title: 'a connection that speaks HTTP/1.1',
    act: async ({ host }) => closedAfter(host.grpcAddress, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'),
    expected: 'closed',
  },
  {
    title: 'a connection that speaks nothing known',
    act: async ({ host }) => closedAfter(host.grpcAddress, '\0'.repeat(1_000)),
    expected: 'closed',
  },
  {
    title: 'one connection more than there may be',
    act: async ({ strictHost }) => {
      const sockets = await Promise.all(
        Array.from({ length: 4 }, async () => openConnection(strictHost.grpcAddress)),
      );
      const method = 'modelhost.v1.AgentService/ListAgents';
      const failure = await callRaw({ address: strictHost.grpcAddress, method });
      for (const socket of sockets) socket.destroy();
      return failure;
    },
    expected: {
      status: 'RESOURCE_EXHAUSTED',
      reason: 'overloaded',
      facts: { max_connections: '4' },
      fields: [],
    },
  },
];

async function openConnection(address: string): Promise<Socket> {
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  await once(socket, 'connect');
  return socket;
}

/** Resolves when the host has closed a connection on which this was said. */
async function closedAfter(address: string, said: string): Promise<'closed'> {
  const socket = await openConnection(address);
  // What the host says before is of no interest.
  socket.resume();
  socket.write(said);
  await once(socket, 'close');
  return 'closed';
}

async function checkHealth(address: string): Promise<CallFailure> {
  return await callRaw({ address, method: healthCheck });
}

const rows = [
  ...badSpecs,
  ...badRequests,
  ...badCalls,
  ...badToolCalls,
  ...badToolServers,
  ...badProviders,
  ...badConnections,
];

test('a host that is given bad input', async (t) => {
  const world = await startWorld(t);
  assert.equal(await goodRun(world), 'word ');
  const { pid, healthAddress } = world.host;
  const bytesBefore = hasProc ? residentBytes(pid) : 0;

  for (const { title, act, expected } of rows) {
    // The rows share the hosts, and each is to be the only cause of what it sees.
    // oxlint-disable-next-line no-await-in-loop
    await t.test(`has its answer to ${title}`, async () => {
      assert.deepEqual(await act(world), expected);
    });
  }

  await t.test('is as well afterwards as it was before', async () => {
    assert.deepEqual(await checkHealth(world.host.grpcAddress), { status: 'OK' });
    assert.equal(await goodRun(world), 'word ');
    assert.equal((await fetch(`http://${healthAddress}/health`)).status, 200);
    assert.deepEqual(await checkHealth(world.strictHost.grpcAddress), { status: 'OK' });
    await assertNothingIsLeft(world, bytesBefore);
  });
});

async function assertNothingIsLeft({ client, host }: World, bytesBefore: number): Promise<void> {
  const status = await client.getStatus();
  assert.equal(status.runsInFlight, 0);
  const { servers } = await client.listTools();
  // After a call without an answer a server is degraded, until it answers one.
  const usable = servers.filter(
    ({ state }) => state === ToolServerState.READY || state === ToolServerState.DEGRADED,
  );
  assert.deepEqual(
    usable.map(({ alias }) => alias),
    ['slow', 'tools'],
  );
  if (!hasProc) return;
  // The dead one is tried again from time to time.
  const commands = childrenOf(host.pid).map(commandOf);
  assert.equal(commands.filter((command) => command.endsWith('tool-server.ts')).length, 2);
  // One shell watches over all of them.
  const others = commands.filter((command) => !command.includes('tool-server.ts'));
  assert.deepEqual(
    others.map((command) => command.split(' ')[0]),
    ['/bin/sh'],
  );
  const grownBytes = residentBytes(host.pid) - bytesBefore;
  assert.ok(grownBytes < growthBytesMax, `the host has grown by ${grownBytes} bytes`);
}

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { apiKey, failureOf, serveGuarded } from '../fixtures/guarded-server.ts';

/** An idle connection. Connections are accepted in the order in which they were made. */
async function occupy(address: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: Number(address.split(':')[1]) });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

test('one connection more than the maximum is told so, and is served once there is room', async () => {
  await using host = await serveGuarded({ maxConnections: 2 });
  const [one, two] = [await occupy(host.address), await occupy(host.address)];
  const error = await failureOf(host.connect().getStatus());
  assert.equal(error.code, 'overloaded');
  assert.equal(error.grpcStatus, 'RESOURCE_EXHAUSTED');
  assert.deepEqual(error.facts, { max_connections: '2' });
  assert.ok(error.retryAfterMs !== undefined && error.retryAfterMs > 0);
  assert.equal(host.handled(), 0);
  one.destroy();
  await host.hasConnections(2);
  // The one above is still connected, and does not count: whoever asks too much must not keep the room of others.
  const client = new Client(host.address, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${apiKey.key}`);
  await new Promise<void>((resolve, reject) => {
    const same = (bytes: Buffer): Buffer => bytes;
    const path = '/modelhost.v1.SystemService/GetStatus';
    client.makeUnaryRequest(path, same, same, Buffer.alloc(0), metadata, (refusal) =>
      refusal === null ? resolve() : reject(refusal),
    );
  });
  client.close();
  two.destroy();
});

test('connections far beyond the maximum are cut at once', async () => {
  await using host = await serveGuarded({ maxConnections: 1 });
  const kept: Socket[] = [];
  for (let at = 0; at < 17; at += 1) kept.push(await occupy(host.address));
  const last = connect({ host: '127.0.0.1', port: Number(host.address.split(':')[1]) });
  last.on('error', () => {});
  last.resume();
  await once(last, 'close');
  for (const socket of kept) {
    assert.equal(socket.destroyed, false);
    socket.destroy();
  }
});

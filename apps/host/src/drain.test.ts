import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { Client, credentials } from '@grpc/grpc-js';
import { fromBinary } from '@bufbuild/protobuf';
import {
  AgentService,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
  HealthStatus,
  RunEndReason,
} from '@modelhost/contracts';
import { failureOf } from './fixtures/guarded-server.ts';
import { finish, next, watch } from './fixtures/run-watch.ts';
import { keys, startTestHost, task } from './fixtures/started-host.ts';

/** What `grpc.health.v1` says of a service. */
async function servingOf(address: string, service: string): Promise<number> {
  const client = new Client(address, credentials.createInsecure());
  const request = Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]);
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    const same = (value: Buffer): Buffer => value;
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, request, (error, answer) =>
      error === null && answer !== undefined ? resolve(answer) : reject(error ?? new Error()),
    );
  });
  client.close();
  return fromBinary(HealthCheckResponseSchema, bytes).status;
}

test('a drain takes no new run, lets the ones in flight finish, and leaves nothing open', async () => {
  await using started = await startTestHost();
  const { host } = started;
  const alice = started.connect();
  const { runId } = await alice.startRun(task('ask'));
  const events = watch(alice.followRun(runId));
  const { callId } = await next(events, 'toolRequested');
  while ((await alice.getRun(runId)).waitingFor.length === 0);
  const draining = host.drain();
  const ready = await fetch(`http://${host.healthAddress}/ready`);
  assert.equal(ready.status, 503);
  assert.equal((await fetch(`http://${host.healthAddress}/health`)).status, 200);
  for (const service of ['', AgentService.typeName]) {
    const serving = await servingOf(host.grpcAddress, service);
    assert.equal(serving, HealthCheckResponse_ServingStatus.NOT_SERVING, service);
  }
  const status = await alice.getStatus();
  assert.deepEqual([status.draining, status.status], [true, HealthStatus.DOWN]);
  assert.equal(status.runsInFlight, 1);
  const refused = await failureOf(alice.startRun(task('answer')));
  assert.equal(refused.code, 'draining');
  assert.equal(refused.grpcStatus, 'UNAVAILABLE');
  await alice.submitToolResult({ runId, callId, content: 'yes' });
  const result = await finish(events);
  assert.equal(result.reason, RunEndReason.COMPLETED);
  assert.equal(result.answer, 'ask is done.');
  assert.deepEqual(await draining, { interrupted: 0 });
  assert.deepEqual(await host.drain(), { interrupted: 0 });
  for (const address of [host.grpcAddress, host.healthAddress]) {
    const [name = '', port] = address.split(':');
    await assert.rejects(once(connect(Number(port), name), 'connect'), { code: 'ECONNREFUSED' });
  }
});

test('a run that works and does not finish in time is left to the next start, and its followers are told to come back', async () => {
  await using started = await startTestHost({ server: { gracefulShutdownTimeoutMs: 0 } });
  const clients = Object.values(keys).map(({ key }) => started.connect(key, { awayTimeoutMs: 0 }));
  const followed = clients.map((client) => watch(client.run(task('wait'))));
  for (const events of followed) await next(events, 'runStarted');
  const draining = started.host.drain();
  assert.deepEqual(await draining, { interrupted: followed.length });
  // This host is gone for good.
  const ends = await Promise.all(followed.map(async (events) => failureOf(finish(events))));
  for (const { code } of ends) assert.ok(code === 'draining' || code === 'transport', code);
});

test('a run that waits for somebody is left as it is by the drain, and its followers are told to come back', async () => {
  await using started = await startTestHost({ server: { gracefulShutdownTimeoutMs: 0 } });
  const alice = started.connect(keys.alice.key, { awayTimeoutMs: 0 });
  const followed = ['ask', 'pay'].map((text) => watch(alice.run(task(text))));
  for (const events of followed) {
    const { runId } = await next(events, 'runStarted');
    while ((await alice.getRun(runId)).waitingFor.length === 0);
  }
  assert.deepEqual(await started.host.drain(), { interrupted: 0 });
  // This host is gone for good.
  const ends = await Promise.all(followed.map(async (events) => failureOf(finish(events))));
  for (const { code } of ends) assert.ok(code === 'draining' || code === 'transport', code);
});

test('a caller that reads nothing does not keep a host that has nothing more to do', async () => {
  await using started = await startTestHost();
  const [name = '', port] = started.host.grpcAddress.split(':');
  const silent = connect(Number(port), name);
  await once(silent, 'connect');
  const closed = once(silent.resume(), 'close');
  assert.deepEqual(await started.host.drain(), { interrupted: 0 });
  await closed;
});

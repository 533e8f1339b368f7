import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { RunEndReason } from '@modelhost/contracts';
import { createModelHostClient } from '@modelhost/sdk';
import type { ModelHostClient } from '@modelhost/sdk';
import { finish, next, watch } from './fixtures/run-watch.ts';
import { keys, makeDirectory, task, writeHostConfig } from './fixtures/started-host.ts';
import { startHost } from './host.ts';
import type { RunningHost } from './host.ts';

test('a run that waits goes on in the next host, and its followers with it', async () => {
  const directory = makeDirectory();
  const start = async (): Promise<RunningHost> => {
    const config = writeHostConfig(directory, { server: { gracefulShutdownTimeoutMs: 0 } });
    return startHost({ config, version: '1.2.3', environment: {}, log: 'silent' });
  };
  const connect = (host: RunningHost, apiKey: string): ModelHostClient =>
    createModelHostClient({ address: host.grpcAddress, apiKey });

  const first = await start();
  const alice = connect(first, keys.alice.key);
  const { runId } = await alice.startRun(task('pay'));
  const before = watch(alice.followRun(runId));
  const { approvalId, callId } = await next(before, 'approvalRequested');
  while ((await alice.getRun(runId)).waitingFor.length === 0);
  assert.deepEqual(await first.drain(), { interrupted: 0 });
  await before.return?.();
  alice.close();

  const second = await start();
  const [again, bob] = [connect(second, keys.alice.key), connect(second, keys.bob.key)];
  const { waitingFor } = await again.getRun(runId);
  assert.deepEqual(
    waitingFor.map(({ signal }) => signal),
    [{ case: 'approvalId', value: approvalId }],
  );
  const after = watch(again.followRun(runId));
  await bob.resolveApproval({ runId, approvalId, approved: true });
  await next(after, 'approvalResolved');
  await next(after, 'decision');
  while ((await again.getRun(runId)).waitingFor.length === 0);
  await again.submitToolResult({ runId, callId, content: 'paid' });
  const result = await finish(after);
  assert.equal(result.reason, RunEndReason.COMPLETED);
  assert.equal(result.answer, 'pay is done.');
  const sequences: bigint[] = [];
  for await (const { sequence } of again.followRun(runId)) sequences.push(sequence);
  assert.deepEqual(
    sequences,
    sequences.map((_, index) => BigInt(index + 1)),
  );
  for (const client of [again, bob]) client.close();
  await second.drain();
  rmSync(directory, { recursive: true });
});

test('a run whose provider the next host has not says so, and which there are', async () => {
  const directory = makeDirectory();
  const start = async (name: string): Promise<RunningHost> => {
    const models = [{ id: 'model', model: 'scripted' }];
    const config = writeHostConfig(directory, {
      server: { gracefulShutdownTimeoutMs: 0 },
      providers: [{ name, type: 'scripted', scriptFile: 'script.yaml', models }],
    });
    return startHost({ config, version: '1.2.3', environment: {}, log: 'silent' });
  };
  const connect = (host: RunningHost): ModelHostClient =>
    createModelHostClient({ address: host.grpcAddress, apiKey: keys.alice.key });

  const first = await start('main');
  const before = connect(first);
  const { runId } = await before.startRun(task('ask'));
  const { callId } = await next(watch(before.followRun(runId)), 'toolRequested');
  while ((await before.getRun(runId)).waitingFor.length === 0);
  await first.drain();
  before.close();

  const second = await start('renamed');
  const after = connect(second);
  await after.submitToolResult({ runId, callId, content: 'told' });
  const { reason, error } = await finish(watch(after.followRun(runId)));
  assert.deepEqual([reason, error?.code], [RunEndReason.FAILED, 'failed_precondition']);
  assert.match(error?.message ?? '', /no provider main, .* there is renamed$/);
  after.close();
  await second.drain();
  rmSync(directory, { recursive: true });
});

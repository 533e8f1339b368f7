import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunEndReason } from '@modelhost/contracts';
import { finish, next, watch } from './fixtures/run-watch.ts';
import { keys, makeDirectory, startHostIn, task } from './fixtures/started-host.ts';
import type { StartedHost } from './fixtures/started-host.ts';

test('a run that waits goes on in the next host, and its followers with it', async (t) => {
  const directory = makeDirectory(t);
  const change = { server: { gracefulShutdownTimeoutMs: 0 } };
  await using first = await startHostIn(directory, change);
  const alice = first.connect();
  const { runId } = await alice.startRun(task('pay'));
  const before = watch(alice.followRun(runId));
  const { approvalId, callId } = await next(before, 'approvalRequested');
  while ((await alice.getRun(runId)).waitingFor.length === 0);
  assert.deepEqual(await first.host.drain(), { interrupted: 0 });
  await before.return?.();

  await using second = await startHostIn(directory, change);
  const [again, bob] = [second.connect(), second.connect(keys.bob.key)];
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
});

test('a run whose provider the next host has not says so, and which there are', async (t) => {
  const directory = makeDirectory(t);
  const start = async (name: string): Promise<StartedHost> => {
    const models = [{ id: 'model', model: 'scripted' }];
    return startHostIn(directory, {
      server: { gracefulShutdownTimeoutMs: 0 },
      providers: [{ name, type: 'scripted', scriptFile: 'script.yaml', models }],
    });
  };

  await using first = await start('main');
  const before = first.connect();
  const { runId } = await before.startRun(task('ask'));
  const { callId } = await next(watch(before.followRun(runId)), 'toolRequested');
  while ((await before.getRun(runId)).waitingFor.length === 0);
  await first.host.drain();

  await using second = await start('renamed');
  const after = second.connect();
  await after.submitToolResult({ runId, callId, content: 'told' });
  const { reason, error } = await finish(watch(after.followRun(runId)));
  assert.deepEqual([reason, error?.code], [RunEndReason.FAILED, 'failed_precondition']);
  assert.match(error?.message ?? '', /no provider main, .* there is renamed$/);
});

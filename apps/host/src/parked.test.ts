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

test('twenty runs that wait outside memory for an approval all finish in the next host', async () => {
  const directory = makeDirectory();
  const start = async (): Promise<RunningHost> => {
    const config = writeHostConfig(directory, {
      server: { gracefulShutdownTimeoutMs: 0 },
      runs: { parkAfterMs: 0 },
    });
    return startHost({ config, version: '1.2.3', environment: {}, log: 'silent' });
  };
  const connect = (host: RunningHost, apiKey: string): ModelHostClient =>
    createModelHostClient({ address: host.grpcAddress, apiKey });

  const first = await start();
  const alice = connect(first, keys.alice.key);
  const waiting = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const { runId } = await alice.startRun(task('pay'));
      const events = watch(alice.followRun(runId));
      const { approvalId, callId } = await next(events, 'approvalRequested');
      while ((await alice.getRun(runId)).waitingFor.length === 0);
      await events.return?.();
      return { runId, approvalId, callId };
    }),
  );
  assert.deepEqual(await first.drain(), { interrupted: 0 });
  alice.close();

  const second = await start();
  const [again, bob] = [connect(second, keys.alice.key), connect(second, keys.bob.key)];
  const reasons = await Promise.all(
    waiting.map(async ({ runId, approvalId, callId }) => {
      await bob.resolveApproval({ runId, approvalId, approved: true });
      while ((await again.getRun(runId)).waitingFor.every(({ signal }) => signal.value !== callId));
      await again.submitToolResult({ runId, callId, content: 'paid' });
      const { reason } = await finish(watch(again.followRun(runId)));
      return reason;
    }),
  );
  assert.deepEqual(
    reasons,
    waiting.map(() => RunEndReason.COMPLETED),
  );
  for (const client of [again, bob]) client.close();
  await second.drain();
  rmSync(directory, { recursive: true });
});

test('a run that waits outside memory ends as soon as it is cancelled, and its session can be deleted', async () => {
  const directory = makeDirectory();
  const config = writeHostConfig(directory, { runs: { parkAfterMs: 0 } });
  const host = await startHost({ config, version: '1.2.3', environment: {}, log: 'silent' });
  const address = host.grpcAddress;
  const alice = createModelHostClient({ address, apiKey: keys.alice.key });
  const bob = createModelHostClient({ address, apiKey: keys.bob.key });
  const { session } = await alice.createSession({ title: 'Payments' });
  assert.ok(session !== undefined);
  const { sessionId } = session;
  const { runId } = await alice.startRun(task('pay', { sessionId }));
  const events = watch(alice.followRun(runId));
  const { approvalId } = await next(events, 'approvalRequested');
  while ((await alice.getRun(runId)).waitingFor.length === 0);
  assert.equal(await alice.cancelRun(runId), true);
  const { reason, cancelledBy } = await finish(events);
  assert.deepEqual([reason, cancelledBy], [RunEndReason.CANCELLED, 'alice']);
  assert.equal(await alice.cancelRun(runId), false);
  await assert.rejects(bob.resolveApproval({ runId, approvalId, approved: true }), {
    code: 'failed_precondition',
    message: /the run is over \(cancelled\)/,
  });
  assert.equal(await alice.deleteSession(sessionId), 1);
  for (const client of [alice, bob]) client.close();
  await host.drain();
  rmSync(directory, { recursive: true });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunEndReason } from '@modelhost/contracts';
import { finish, next, watch } from './fixtures/run-watch.ts';
import { keys, makeDirectory, startHostIn, startTestHost, task } from './fixtures/started-host.ts';

test('twenty runs that wait outside memory for an approval all finish in the next host', async (t) => {
  const directory = makeDirectory(t);
  const change = { server: { gracefulShutdownTimeoutMs: 0 }, runs: { parkAfterMs: 0 } };
  await using first = await startHostIn(directory, change);
  const alice = first.connect();
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
  assert.deepEqual(await first.host.drain(), { interrupted: 0 });

  await using second = await startHostIn(directory, change);
  const [again, bob] = [second.connect(), second.connect(keys.bob.key)];
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
});

test('a run that waits outside memory ends as soon as it is cancelled, and its session can be deleted', async () => {
  await using started = await startTestHost({ runs: { parkAfterMs: 0 } });
  const [alice, bob] = [started.connect(), started.connect(keys.bob.key)];
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
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { RunEndReason } from '@modelhost/contracts';
import { createRunCaller, errorOf } from './fixtures/run-caller.ts';
import { finish, watch } from './fixtures/run-watch.ts';
import { startTestHost, task } from './fixtures/started-host.ts';

test('a deadline of the caller that is over cancels its run', async () => {
  await using started = await startTestHost();
  const alice = started.connect();
  const raw = createRunCaller(started.host.grpcAddress);
  const requestId = 'late';
  const call = raw.openRun(task('wait', { requestId }), Date.now() + 500);
  assert.equal((await errorOf(call.resume())).code, status.DEADLINE_EXCEEDED);
  raw.close();
  const { runId, created } = await alice.startRun(task('wait', { requestId }));
  assert.equal(created, false);
  assert.equal((await finish(watch(alice.followRun(runId)))).reason, RunEndReason.CANCELLED);
});

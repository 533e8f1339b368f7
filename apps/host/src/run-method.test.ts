import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { RunEndReason } from '@modelhost/contracts';
import { createRunCaller, errorOf, eventsOf } from './fixtures/run-caller.ts';
import { finish, next, watch } from './fixtures/run-watch.ts';
import { startTestHost, task } from './fixtures/started-host.ts';

const started = await startTestHost();
const raw = createRunCaller(started.host.grpcAddress);
after(async () => {
  raw.close();
  await started[Symbol.asyncDispose]();
});
const alice = started.connect();

test('Run starts a run and gives all its events', async () => {
  assert.equal((await finish(eventsOf(raw.openRun(task('answer'))))).answer, 'The answer.');
});

test('cancelling Run cancels the run that it created', async () => {
  const call = raw.openRun(task('wait'));
  const { runId } = await next(eventsOf(call), 'runStarted');
  const ended = errorOf(call);
  call.cancel();
  assert.equal((await ended).code, status.CANCELLED);
  const result = await finish(watch(alice.followRun(runId)));
  assert.equal(result.reason, RunEndReason.CANCELLED);
  assert.equal(result.cancelledBy, 'alice');
});

test('cancelling Run leaves a run alone that another call has created', async () => {
  const spec = task('ask', { requestId: 'shared' });
  const { runId } = await alice.startRun(spec);
  const call = raw.openRun(spec);
  const { callId } = await next(eventsOf(call), 'toolRequested');
  const ended = errorOf(call);
  call.cancel();
  await ended;
  while ((await alice.getRun(runId)).waitingFor.length === 0);
  await alice.submitToolResult({ runId, callId, content: 'yes' });
  const { reason } = await finish(watch(alice.followRun(runId)));
  assert.equal(reason, RunEndReason.COMPLETED);
});

test('a run that may not be is refused as an error of the call', async () => {
  const error = await errorOf(raw.openRun({ agent: 'nobody' }).resume());
  assert.equal(error.code, status.INVALID_ARGUMENT);
  assert.match(error.details, /^spec\.agent: /);
});

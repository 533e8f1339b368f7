import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunEndReason, RunState } from '@modelhost/contracts';
import { startChatProvider } from './fixtures/chat-provider.ts';
import { createRunCaller, errorOf, eventsOf } from './fixtures/run-caller.ts';
import { finish, next, watch } from './fixtures/run-watch.ts';
import { startTestHost, task } from './fixtures/started-host.ts';

const part = 'x'.repeat(16_384);
const parts = 100;

test('a caller that reads nothing holds back itself, not its run, and misses nothing', async () => {
  await using provider = await startChatProvider();
  await using started = await startTestHost({
    providers: [provider.config],
    agent: { budget: { maxTokens: 10_000_000 } },
  });
  const alice = started.connect();
  const caller = createRunCaller(started.host.grpcAddress);
  const call = caller.openRun(task('write'));
  const events = eventsOf(call);
  const { runId } = await next(events, 'runStarted');
  const answer = await provider.asked();
  for (let at = 0; at < parts; at += 1) answer.text(part);
  answer.finish();
  const { reason } = await finish(watch(alice.followRun(runId)));
  assert.equal(reason, RunEndReason.COMPLETED);
  const run = await alice.getRun(runId);
  assert.equal(run.state, RunState.FINISHED);
  let length = 0;
  let last = 1n;
  for await (const { sequence, event } of events) {
    assert.equal(sequence, last + 1n);
    last = sequence;
    if (event.case === 'textDelta') length += event.value.text.length;
  }
  assert.equal(length, part.length * parts);
  assert.equal(last, run.lastSequence);
  caller.close();
});

test('callers that leave while they read nothing leave their place to others', async () => {
  await using provider = await startChatProvider();
  await using started = await startTestHost({
    providers: [provider.config],
    agent: { budget: { maxTokens: 10_000_000 } },
  });
  const alice = started.connect();
  const spec = task('write', { requestId: 'shared' });
  const { runId } = await alice.startRun(spec);
  const answer = await provider.asked();
  // More than a connection takes of what nobody reads.
  for (let at = 0; at < parts / 4; at += 1) answer.text(part);
  answer.finish();
  await finish(watch(alice.followRun(runId)));
  const caller = createRunCaller(started.host.grpcAddress);
  // More than a run may have followers.
  for (let at = 0; at < 70; at += 1) {
    const call = caller.openRun(spec);
    await next(eventsOf(call), 'runStarted');
    const ended = errorOf(call);
    call.cancel();
    await ended;
    // The host has seen the cancel once it answers what was asked after it.
    await alice.getStatus();
  }
  assert.equal((await finish(watch(alice.followRun(runId)))).reason, RunEndReason.COMPLETED);
  caller.close();
});

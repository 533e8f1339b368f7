import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { RunEndReason, RunState } from '@modelhost/contracts';
import type { RunEvent } from '@modelhost/contracts';
import { failureOf } from './fixtures/guarded-server.ts';
import { finish, next, watch } from './fixtures/run-watch.ts';
import { keys, startTestHost, task } from './fixtures/started-host.ts';

const started = await startTestHost();
after(async () => started[Symbol.asyncDispose]());
const alice = started.connect();
const bob = started.connect(keys.bob.key);
const carol = started.connect(keys.carol.key);

test('a run gives its events from the first to the last, and anybody of the tenant reads it', async () => {
  const events: RunEvent[] = [];
  for await (const event of alice.run(task('answer', { metadata: { ticket: '7' } })))
    events.push(event);
  assert.deepEqual(
    events.map(({ sequence }) => sequence),
    events.map((_event, at) => BigInt(at + 1)),
  );
  const [first] = events;
  assert.ok(first?.event.case === 'runStarted');
  const { runId } = first.event.value;
  assert.match(runId, /^run_[0-9a-z]{26}$/);
  const run = await bob.getRun(runId);
  assert.equal(run.subject, 'alice');
  assert.equal(run.state, RunState.FINISHED);
  assert.equal(run.result?.answer, 'The answer.');
  assert.equal(run.result.reason, RunEndReason.COMPLETED);
  assert.deepEqual(run.metadata, { ticket: '7' });
  assert.equal(run.lastSequence, events.at(-1)?.sequence);
});

test('a request id starts one run, whoever asks again, and another request under it is refused', async () => {
  const spec = task('answer', { requestId: 'one' });
  const first = await alice.startRun(spec);
  const again = await alice.startRun(spec);
  assert.deepEqual([first.created, again.created, again.runId], [true, false, first.runId]);
  const other = await failureOf(alice.startRun(task('wait', { requestId: 'one' })));
  assert.equal(other.code, 'request_conflict');
  assert.equal(other.grpcStatus, 'ALREADY_EXISTS');
  for (const client of [bob, carol]) {
    const { created, runId } = await client.startRun(spec);
    assert.equal(created, true);
    assert.notEqual(runId, first.runId);
  }
});

test('requests of one id at the same time start one run', async () => {
  const spec = task('answer', { requestId: 'many' });
  const all = await Promise.all(Array.from({ length: 8 }, async () => alice.startRun(spec)));
  assert.equal(new Set(all.map(({ runId }) => runId)).size, 1);
  assert.equal(all.filter(({ created }) => created).length, 1);
});

test('a follower that leaves lets the run go on, and another begins where it stood', async () => {
  const { runId } = await alice.startRun(task('ask'));
  const follower = watch(alice.followRun(runId));
  const requested = await next(follower, 'toolRequested');
  await follower.return?.();
  const { state } = await alice.getRun(runId);
  assert.notEqual(state, RunState.FINISHED);
  const all: RunEvent[] = [];
  for await (const event of bob.followRun(runId)) {
    all.push(event);
    if (event.event.case !== 'decision' || event.event.value.callId === '') continue;
    await waitingFor(runId);
    await alice.submitToolResult({ runId, callId: requested.callId, content: 'yes' });
  }
  assert.equal(all.at(-1)?.event.case, 'runFinished');
  for (const from of [0, 1, all.length - 1, all.length]) {
    const rest: RunEvent[] = [];
    for await (const event of alice.followRun(runId, { afterSequence: BigInt(from) }))
      rest.push(event);
    assert.deepEqual(rest, all.slice(from));
  }
});

test('a caller that leaves Run cancels the run that it started, as itself', async () => {
  const events = watch(alice.run(task('wait')));
  const { runId } = await next(events, 'runStarted');
  await events.return?.();
  const { cancelledBy, reason } = await finish(watch(bob.followRun(runId)));
  assert.equal(reason, RunEndReason.CANCELLED);
  assert.equal(cancelledBy, 'alice');
  assert.equal(await alice.cancelRun(runId), false);
});

test('anybody of the tenant may cancel a run', async () => {
  const { runId } = await alice.startRun(task('wait'));
  assert.equal(await bob.cancelRun(runId), true);
  assert.equal((await finish(watch(alice.followRun(runId)))).cancelledBy, 'bob');
});

test('the result of a tool of the caller goes to the model, once', async () => {
  const { runId } = await alice.startRun(task('ask'));
  const events = watch(alice.followRun(runId));
  const { callId } = await next(events, 'toolRequested');
  await waitingFor(runId);
  const early = await failureOf(alice.submitToolResult({ runId, callId: 'other', content: '' }));
  assert.equal(early.code, 'failed_precondition');
  const large = { runId, callId, content: 'x'.repeat(262_145) };
  assert.deepEqual(
    (await failureOf(alice.submitToolResult(large))).violations.map(({ field }) => field),
    ['content'],
  );
  await alice.submitToolResult({ runId, callId, content: 'forty-two' });
  const late = await failureOf(alice.submitToolResult({ runId, callId, content: 'again' }));
  assert.equal(late.grpcStatus, 'FAILED_PRECONDITION');
  assert.equal((await next(events, 'toolFinished')).content, 'forty-two');
  assert.equal((await finish(events)).answer, 'ask is done.');
});

test('an approval counts from who may give it, once, and not before it is asked for', async () => {
  const { runId } = await alice.startRun(task('pay'));
  const events = watch(alice.followRun(runId));
  const { approvalId, approvers, callId } = await next(events, 'approvalRequested');
  assert.deepEqual(approvers, ['lead']);
  await waitingFor(runId);
  const run = await alice.getRun(runId);
  assert.deepEqual(run.waitingFor[0]?.signal, { case: 'approvalId', value: approvalId });
  const answer = { runId, approvalId, approved: true };
  const unasked = await failureOf(bob.resolveApproval({ ...answer, approvalId: 'apr_other' }));
  assert.equal(unasked.code, 'failed_precondition');
  const unfit = await failureOf(alice.resolveApproval(answer));
  assert.equal(unfit.code, 'permission_denied');
  const elsewhere = await failureOf(carol.resolveApproval(answer));
  assert.equal(elsewhere.code, 'not_found');
  const bad = { runId: '', approvalId: '', approved: true, comment: 'x'.repeat(1_025) };
  assert.deepEqual(
    (await failureOf(bob.resolveApproval(bad))).violations.map(({ field }) => field),
    ['run_id', 'approval_id', 'comment'],
  );
  await bob.resolveApproval({ ...answer, comment: 'fine' });
  const again = await failureOf(bob.resolveApproval(answer));
  assert.equal(again.grpcStatus, 'FAILED_PRECONDITION');
  const resolved = await next(events, 'approvalResolved');
  assert.deepEqual(
    [resolved.approved, resolved.resolvedBy, resolved.comment],
    [true, 'bob', 'fine'],
  );
  await next(events, 'decision');
  await waitingFor(runId);
  await alice.submitToolResult({ runId, callId, content: 'paid' });
  assert.equal((await finish(events)).reason, RunEndReason.COMPLETED);
});

test('a list gives every run of the tenant once, newest first, over pages of any size', async () => {
  await carol.startRun(task('answer'));
  const runIds: string[] = [];
  for (let at = 0; at < 7; at += 1) runIds.push((await carol.startRun(task('answer'))).runId);
  for (const pageSize of [1, 3, 8, 200]) {
    const listed: string[] = [];
    let pageToken = '';
    do {
      const page = await carol.listRuns({ pageSize, pageToken });
      assert.ok(page.runs.length <= pageSize);
      listed.push(...page.runs.map(({ runId }) => runId));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    assert.equal(new Set(listed).size, listed.length);
    assert.deepEqual(listed.slice(0, 7), runIds.toReversed());
  }
  const { runs } = await carol.listRuns({ state: RunState.WAITING });
  assert.deepEqual(runs, []);
});

test('a list that cannot be is refused with its fields', async () => {
  const error = await failureOf(
    // A caller may be newer than the host.
    alice.listRuns({ pageSize: 201, pageToken: 'x'.repeat(257), state: 77 as RunState }),
  );
  assert.equal(error.code, 'validation_failed');
  assert.deepEqual(
    error.violations.map(({ field }) => field),
    ['page_size', 'page_token', 'state'],
  );
  for (const pageToken of ['x', '-1', '0', '1.5', '1e3', '0x10', ' 7', '9'.repeat(17)]) {
    assert.equal((await failureOf(alice.listRuns({ pageToken }))).code, 'validation_failed');
  }
});

/** Resolves once the run waits for an answer: it says so a moment after the event that asks. */
async function waitingFor(runId: string): Promise<void> {
  while ((await alice.getRun(runId)).waitingFor.length === 0);
}

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { DecisionEffect, RunEndReason, ToolOutcome } from '@modelhost/contracts';
import type { RunEvent } from '@modelhost/contracts';
import type { ModelHostClient } from '@modelhost/sdk';
import { failureOf } from './fixtures/guarded-server.ts';
import { finish, next, watch } from './fixtures/run-watch.ts';
import { keys, startTestHost, task } from './fixtures/started-host.ts';

const all = '@id("all") @message("all is permitted") permit (principal, action, resource);\n';

/** A run of alice whose model calls the tool `ask` of its caller, who answers if the call is allowed. */
async function playAsk(alice: ModelHostClient) {
  const { runId } = await alice.startRun(task('ask'));
  const events = watch(alice.followRun(runId));
  const decision = await decisionOf(events);
  if (decision.effect === DecisionEffect.ALLOW) {
    await waitingFor(alice, runId);
    await alice.submitToolResult({ runId, callId: decision.callId, content: 'canary-77' });
  }
  const finished = await next(events, 'toolFinished');
  return { finished, result: await finish(events) };
}

/** The decision on a call; those on the model come before it. */
async function decisionOf(events: AsyncIterator<RunEvent>) {
  for (;;) {
    const decision = await next(events, 'decision'); // oxlint-disable-line no-await-in-loop
    if (decision.callId !== '') return decision;
  }
}

async function waitingFor(client: ModelHostClient, runId: string): Promise<void> {
  for (;;) {
    const { waitingFor: awaited } = await client.getRun(runId); // oxlint-disable-line no-await-in-loop
    if (awaited.length > 0) return;
  }
}

suite('rules of policy in runs of the whole host', () => {
  test('see what a run has been told: after an untrusted result it may say nothing', async () => {
    await using started = await startTestHost({
      policy: `${all}@id("mute") @message("nothing after what others wrote")
forbid (principal, action == ModelHost::Action::"EmitOutput", resource) when { context.labels.untrusted };`,
    });
    const alice = started.connect();
    const { finished, result } = await playAsk(alice);
    assert.equal(finished.outcome, ToolOutcome.OK);
    assert.equal(result.reason, RunEndReason.DENIED);
    const clean = await finish(watch(alice.run(task('answer'))));
    assert.equal(clean.answer, 'The answer.');
  });

  test('keep a result from the model, which goes on without it', async () => {
    await using started = await startTestHost({
      policy: `${all}@id("hide") @message("not for models")
forbid (principal, action == ModelHost::Action::"AcceptToolResult", resource);`,
    });
    const { finished, result } = await playAsk(started.connect());
    assert.equal(finished.outcome, ToolOutcome.WITHHELD);
    assert.doesNotMatch(finished.content, /canary/);
    assert.equal(result.answer, 'ask is done.');
  });

  test('count the calls of a person over all runs, and nobody else’s', async () => {
    await using started = await startTestHost({
      policy: `${all}@id("once") @message("once a day")
forbid (principal, action == ModelHost::Action::"ask", resource) when { context.history.callsLastDay >= 1 };`,
    });
    const outcomes: ToolOutcome[] = [];
    for (const client of [started.connect(), started.connect(), started.connect(keys.bob.key)]) {
      const { finished } = await playAsk(client); // oxlint-disable-line no-await-in-loop
      outcomes.push(finished.outcome);
    }
    assert.deepEqual(outcomes, [ToolOutcome.OK, ToolOutcome.DENIED, ToolOutcome.OK]);
  });

  for (const [more, isOwnEnough] of [
    ['', false],
    [' @self_approval("allowed")', true],
  ] as const) {
    test(`take ${isOwnEnough ? 'the asker’s own yes where they say so' : 'no one’s own yes'}`, async () => {
      await using started = await startTestHost({
        policy: `${all}@id("ask") @message("ask somebody") @remedy("approval")${more}
forbid (principal, action == ModelHost::Action::"pay", resource) unless { context has approval };`,
      });
      const alice = started.connect();
      const { runId } = await alice.startRun(task('pay'));
      const events = watch(alice.followRun(runId));
      const { approvalId } = await next(events, 'approvalRequested');
      await waitingFor(alice, runId);
      const vote = { runId, approvalId, approved: true };
      if (!isOwnEnough) {
        const own = await failureOf(alice.resolveApproval(vote));
        assert.equal(own.code, 'failed_precondition');
        assert.match(own.message, /the call is your own/);
      }
      const voter = isOwnEnough ? alice : started.connect(keys.bob.key);
      await voter.resolveApproval(vote);
      const { effect } = await decisionOf(events);
      assert.equal(effect, DecisionEffect.ALLOW);
      await alice.cancelRun(runId);
    });
  }
});

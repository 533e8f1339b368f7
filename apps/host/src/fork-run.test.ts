import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BudgetKind, RunEndReason } from '@modelhost/contracts';
import type { RunEvent } from '@modelhost/contracts';
import type { ModelHostClient } from '@modelhost/sdk';
import { failureOf } from './fixtures/guarded-server.ts';
import { finish, next, watch } from './fixtures/run-watch.ts';
import { keys, makeDirectory, startHostIn, startTestHost, task } from './fixtures/started-host.ts';
import type { HostChange } from './fixtures/started-host.ts';

const providers = [
  {
    name: 'main',
    type: 'scripted',
    scriptFile: 'script.yaml',
    models: [
      { id: 'model', model: 'scripted' },
      { id: 'other', model: 'scripted' },
    ],
  },
];

const started = await startTestHost({ providers });
after(async () => started[Symbol.asyncDispose]());
const alice = started.connect();

/** A run that has asked a tool of its caller, and is finished. */
async function finishedRun(client: ModelHostClient): Promise<string> {
  const { runId } = await client.startRun(task('ask'));
  const events = watch(client.followRun(runId));
  const { callId } = await next(events, 'toolRequested');
  await untilWaiting(client, runId, 'toolCallId');
  await client.submitToolResult({ runId, callId, content: 'what the tool said' });
  const result = await finish(events);
  assert.equal(result.reason, RunEndReason.COMPLETED);
  return runId;
}

/** Resolves once the run waits for an answer of this kind. */
async function untilWaiting(
  client: ModelHostClient,
  runId: string,
  kind: 'approvalId' | 'toolCallId',
): Promise<void> {
  for (;;) {
    const { waitingFor } = await client.getRun(runId); // oxlint-disable-line no-await-in-loop
    if (waitingFor.some(({ signal }) => signal.case === kind)) return;
  }
}

function cases(events: readonly RunEvent[]): readonly (string | undefined)[] {
  return events.map(({ event }) => event.case);
}

test('a fork takes the steps before its own from the journal, and does the others anew', async () => {
  const runId = await finishedRun(alice);
  const fork = await alice.forkRun({ runId, atStep: 'turn-2/model', model: 'other' });
  assert.equal(fork.created, true);
  assert.notEqual(fork.runId, runId);
  // Nobody answers the tool this time: its answer is in the journal.
  const events = await Array.fromAsync(alice.followRun(fork.runId));
  const before = await Array.fromAsync(alice.followRun(runId));
  assert.deepEqual(cases(events), cases(before));
  const [first] = events;
  assert.ok(first?.event.case === 'runStarted');
  assert.equal(first.event.value.runId, fork.runId);
  assert.equal(first.event.value.model, 'other');
  const finished = events.find(({ event }) => event.case === 'toolFinished');
  assert.ok(finished?.event.case === 'toolFinished');
  assert.equal(finished.event.value.content, 'what the tool said');
  const audit = readFileSync(started.host.auditPath, 'utf8');
  assert.ok(audit.includes(`"forkOf":"${runId}"`));
  // It can be replayed as any run can.
  const items = await Array.fromAsync(alice.replayRun(fork.runId));
  const last = items.at(-1);
  assert.ok(last?.case === 'result' && last.value.digest === last.value.recordedDigest);
});

test('a call that a person approved is asked about again in a fork at its step', async () => {
  const bob = started.connect(keys.bob.key);
  /** Approves the call of a run, answers it, and sees its end. */
  const pay = async (runId: string): Promise<void> => {
    const events = watch(alice.followRun(runId));
    const { callId } = await next(events, 'toolRequested');
    const { approvalId } = await next(events, 'approvalRequested');
    await untilWaiting(alice, runId, 'approvalId');
    await bob.resolveApproval({ runId, approvalId, approved: true });
    await untilWaiting(alice, runId, 'toolCallId');
    await alice.submitToolResult({ runId, callId, content: 'paid' });
    const result = await finish(events);
    assert.equal(result.reason, RunEndReason.COMPLETED);
    assert.equal(result.statistics?.approvals, 1);
  };
  const { runId } = await alice.startRun(task('pay'));
  await pay(runId);
  const fork = await alice.forkRun({ runId, atStep: 'turn-1/tool-1' });
  await pay(fork.runId);
  // What was decided for the run is no step to go on from.
  for (const inner of ['start', 'decide', 'approval-1', 'call', 'outcome', 'end']) {
    const refused = await failureOf(alice.forkRun({ runId, atStep: `turn-1/tool-1/${inner}` }));
    assert.equal(refused.code, 'validation_failed');
    const [violation] = refused.violations;
    assert.equal(violation?.field, 'at_step');
    assert.match(violation.description, /turn-N\/model, or turn-N\/tool-M/);
  }
  const never = await failureOf(alice.forkRun({ runId, atStep: 'turn-1/tool-2' }));
  assert.equal(never.code, 'failed_precondition');
  assert.match(never.message, /it can be at turn-1\/model, turn-1\/tool-1, turn-2\/model/);
});

test('what the steps before used counts, and a fork may have less than its run', async () => {
  const runId = await finishedRun(alice);
  const fork = await alice.forkRun({ runId, atStep: 'turn-1/tool-1', budget: { maxSteps: 2 } });
  const events = watch(alice.followRun(fork.runId));
  const { callId } = await next(events, 'toolRequested');
  await untilWaiting(alice, fork.runId, 'toolCallId');
  await alice.submitToolResult({ runId: fork.runId, callId, content: 'what the tool said' });
  const result = await finish(events);
  assert.equal(result.reason, RunEndReason.BUDGET_EXCEEDED);
  assert.equal(result.budget, BudgetKind.STEPS);
});

test('a fork with nothing left for its step is refused, with what the steps before used', async () => {
  const runId = await finishedRun(alice);
  const { result } = await alice.getRun(runId);
  assert.ok(result?.statistics !== undefined);
  const budgets = [{ maxSteps: 1 }, { maxSteps: 2 }, { maxTokens: 5n }, { maxToolCalls: 0 }];
  for (const budget of budgets) {
    const fork = alice.forkRun({ runId, atStep: 'turn-2/model', budget });
    const refused = await failureOf(fork); // oxlint-disable-line no-await-in-loop
    assert.equal(refused.code, 'failed_precondition');
    assert.match(
      refused.message,
      /come to turn-2\/model .* end before, .* 2 steps, 1 tool call and/,
    );
    const { facts } = refused;
    assert.deepEqual([facts['used_steps'], facts['used_tool_calls']], ['2', '1']);
    assert.ok(
      Number(facts['used_tokens']) <
        Number(result.statistics.inputTokens) + Number(result.statistics.outputTokens),
    );
  }
});

test('the same fork again is the same run, and another one under its id is refused', async () => {
  const runId = await finishedRun(alice);
  const asked = { runId, atStep: 'turn-2/model', requestId: 'once' };
  const first = await alice.forkRun(asked);
  await finish(watch(alice.followRun(first.runId)));
  assert.deepEqual(
    { ...(await alice.forkRun(asked)), $typeName: '' },
    { runId: first.runId, created: false, $typeName: '' },
  );
  const other = await failureOf(alice.forkRun({ ...asked, model: 'other' }));
  assert.equal(other.code, 'request_conflict');
});

test('a fork names what is wrong with it, and only its owner has the run', async () => {
  const runId = await finishedRun(alice);
  const wrong = await failureOf(alice.forkRun({ runId, model: 'none', requestId: '\n' }));
  assert.deepEqual(
    wrong.violations.map(({ field }) => field),
    ['at_step', 'request_id', 'model'],
  );
  const never = await failureOf(alice.forkRun({ runId, atStep: 'turn-9/model' }));
  assert.equal(never.code, 'failed_precondition');
  const fork = { runId, atStep: 'turn-2/model' };
  // Bob may look at it, so he is told whose it is; Carol is of another tenant.
  const seen = await failureOf(started.connect(keys.bob.key).forkRun(fork));
  assert.deepEqual([seen.code, seen.facts], ['permission_denied', { subject: 'alice' }]);
  const absent = await failureOf(started.connect(keys.carol.key).forkRun(fork));
  assert.equal(absent.code, 'not_found');
});

test('a fork by an agent or a route that the host no longer has names what is there', async (t) => {
  const directory = makeDirectory(t);
  const script = { name: 'main', type: 'scripted', scriptFile: 'script.yaml' };
  const model = { id: 'model', model: 'scripted' };
  let fork = { runId: '', atStep: 'turn-1/model', requestId: 'early' };
  await withHost(directory, { providers: [{ ...script, models: [model] }] }, async (client) => {
    const { runId } = await client.startRun(task('answer'));
    await finish(watch(client.followRun(runId)));
    fork = { ...fork, runId };
    await finish(watch(client.followRun((await client.forkRun(fork)).runId)));
  });
  const moved = [{ ...script, name: 'new', models: [model, { ...model, id: 'big' }] }];
  await withHost(directory, { providers: moved }, async (client) => {
    assert.equal((await client.forkRun(fork)).created, false);
    const late = { ...fork, requestId: '' };
    const refused = await failureOf(client.forkRun(late));
    assert.equal(refused.code, 'failed_precondition');
    assert.match(
      refused.message,
      /no model route model at a provider main, .* model, big: name one with --route/,
    );
    assert.deepEqual(refused.facts, { model: 'model', provider: 'main' });
    const { runId } = await client.forkRun({ ...late, model: 'model' });
    const result = await finish(watch(client.followRun(runId)));
    assert.equal(result.reason, RunEndReason.COMPLETED);
  });
  await withHost(directory, { agent: { id: 'other' } }, async (client) => {
    const refused = await failureOf(client.forkRun({ ...fork, requestId: '' }));
    assert.equal(refused.code, 'failed_precondition');
    assert.equal(refused.message, 'this host has no agent helper; there is other');
  });
});

test('a fork that policy refuses is on record once, with the rules that refused it', async (t) => {
  const directory = makeDirectory(t);
  let runId = '';
  await withHost(directory, {}, async (client) => {
    ({ runId } = await client.startRun(task('answer')));
    await finish(watch(client.followRun(runId)));
  });
  const policy = `@id("use") permit (principal, action == ModelHost::Action::"UseModel", resource);`;
  await withHost(directory, { policy }, async (client) => {
    const refused = await failureOf(client.forkRun({ runId, atStep: 'turn-1/model' }));
    assert.equal(refused.code, 'policy_violation');
  });
  const refusals = readFileSync(join(directory, 'data', 'audit.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"kind":"run-refused"'));
  assert.equal(refusals.length, 1);
  assert.match(refusals[0] ?? '', new RegExp(`"forkOf":"${runId}".*"rules":\\["default-deny"\\]`));
});

test('what a fork does anew has the price of now, and what it has taken over the one of then', async (t) => {
  const directory = makeDirectory(t);
  const priced = (inputUsdPerMillionTokens: number): HostChange => ({
    providers: [
      {
        name: 'main',
        type: 'scripted',
        scriptFile: 'script.yaml',
        models: [{ id: 'model', model: 'scripted', inputUsdPerMillionTokens }],
      },
    ],
  });
  let runId = '';
  let cost = 0n;
  await withHost(directory, priced(10), async (client) => {
    runId = await finishedRun(client);
    const { result } = await client.getRun(runId);
    cost = result?.statistics?.costMicroUsd ?? 0n;
    assert.ok(cost > 0n);
  });
  await withHost(directory, priced(20), async (client) => {
    const costs: bigint[] = [];
    for (const atStep of ['turn-1/model', 'turn-2/model']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const fork = await client.forkRun({ runId, atStep });
      const events = watch(client.followRun(fork.runId));
      if (atStep === 'turn-1/model') {
        const { callId } = await next(events, 'toolRequested'); // oxlint-disable-line no-await-in-loop
        await untilWaiting(client, fork.runId, 'toolCallId'); // oxlint-disable-line no-await-in-loop
        const content = 'what the tool said';
        await client.submitToolResult({ runId: fork.runId, callId, content }); // oxlint-disable-line no-await-in-loop
      }
      const { statistics } = await finish(events); // oxlint-disable-line no-await-in-loop
      costs.push(statistics?.costMicroUsd ?? 0n);
    }
    const [whole = 0n, late = 0n] = costs;
    assert.equal(whole, 2n * cost);
    assert.ok(cost < late && late < whole);
  });
});

test('a fork has no more than its agent has by now', async (t) => {
  const directory = makeDirectory(t);
  let runId = '';
  await withHost(directory, {}, async (client) => {
    runId = await finishedRun(client);
  });
  await withHost(directory, { agent: { budget: { maxSteps: 1 } } }, async (client) => {
    const asked = { runId, atStep: 'turn-1/model', budget: { maxSteps: 9 } };
    const fork = await client.forkRun(asked);
    const result = await finish(watch(client.followRun(fork.runId)));
    assert.equal(result.reason, RunEndReason.BUDGET_EXCEEDED);
    assert.equal(result.budget, BudgetKind.STEPS);
  });
});

async function withHost(
  directory: string,
  change: HostChange,
  work: (client: ModelHostClient) => Promise<void>,
): Promise<void> {
  await using own = await startHostIn(directory, change);
  await work(own.connect());
}

test('a fork of a run of a session knows what was said, and leaves no turn', async () => {
  const { session } = await alice.createSession();
  const sessionId = session?.sessionId ?? '';
  await finish(watch(alice.run(task('answer one', { sessionId }))));
  const { runId } = await alice.startRun(task('answer two', { sessionId }));
  await finish(watch(alice.followRun(runId)));
  const fork = await alice.forkRun({ runId, atStep: 'turn-1/model' });
  const result = await finish(watch(alice.followRun(fork.runId)));
  const { result: before } = await alice.getRun(runId);
  assert.equal(result.statistics?.inputTokens, before?.statistics?.inputTokens);
  assert.equal((await alice.listTurns(sessionId)).turns.length, 2);
});

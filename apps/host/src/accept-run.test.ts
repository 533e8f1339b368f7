import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { verifyAuditFile } from '@modelhost/audit';
import type { RunSpecInit } from '@modelhost/sdk';
import { failureOf } from './fixtures/guarded-server.ts';
import { finish, watch } from './fixtures/run-watch.ts';
import { startTestHost, task } from './fixtures/started-host.ts';

/** What the audit file of a host tells, in order: the kind of each record with the id of its run. */
function recordsOf(path: string): readonly (readonly [kind: string, runId: string])[] {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.map((line) => {
    // The shape is what packages/audit writes.
    const { kind, runId } = JSON.parse(line) as { kind: string; runId: string };
    return [kind, runId] as const;
  });
}

test('what policy does not allow an agent to take is refused, on record, and starts nothing', async () => {
  const policy = `
@id("test.input") @message("only short tasks")
permit (principal, action == ModelHost::Action::"AcceptInput", resource) when { context.inputBytes < 1000 };
@id("test.night") @message("not alice")
forbid (principal == ModelHost::User::"acme/alice", action == ModelHost::Action::"AcceptInput", resource)
when { context.inputBytes < 100 };
`;
  await using started = await startTestHost({ policy });
  const alice = started.connect();
  for (const [text, rule] of [
    ['answer', 'test.night'],
    ['answer'.repeat(1_000), 'default-deny'],
  ] as const) {
    const error = await failureOf(alice.startRun(task(text)));
    assert.equal(error.code, 'policy_violation');
    assert.equal(error.grpcStatus, 'PERMISSION_DENIED');
    assert.deepEqual(error.facts, { action: 'AcceptInput', rule });
  }
  assert.deepEqual((await alice.listRuns()).runs, []);
  const kinds = recordsOf(started.host.auditPath).map(([kind]) => kind);
  assert.deepEqual(kinds, ['host-started', 'run-refused', 'run-refused']);
});

test('a run is on record before anything that it does, and the record holds', async () => {
  await using started = await startTestHost();
  const alice = started.connect();
  const spec = task('answer', { requestId: 'once' });
  const { runId } = await alice.startRun(spec);
  await finish(watch(alice.followRun(runId)));
  await alice.startRun(spec);
  const records = recordsOf(started.host.auditPath);
  const first = records.findIndex(([, id]) => id === runId);
  assert.deepEqual(records[first], ['run-accepted', runId]);
  assert.equal(records.filter(([kind]) => kind === 'run-accepted').length, 1);
  await started.host.drain();
  assert.equal(recordsOf(started.host.auditPath).at(-1)?.[0], 'host-stopped');
  assert.equal((await verifyAuditFile(started.host.auditPath)).ok, true);
});

test('one run more than the host takes is told to come back, and does not stand as accepted', async () => {
  await using started = await startTestHost({ server: { maxRunsInFlight: 1 } });
  const alice = started.connect();
  const { runId } = await alice.startRun(task('wait'));
  const error = await failureOf(alice.startRun(task('answer')));
  assert.equal(error.code, 'overloaded');
  assert.equal(error.grpcStatus, 'RESOURCE_EXHAUSTED');
  assert.deepEqual(error.facts, { runs_in_flight_max: '1' });
  assert.ok(error.retryAfterMs !== undefined);
  const records = recordsOf(started.host.auditPath);
  const refused = records.find(([kind]) => kind === 'run-refused')?.[1];
  assert.notEqual(refused, runId);
  assert.deepEqual(
    records.filter(([, id]) => id === refused),
    [
      ['run-accepted', refused],
      ['run-refused', refused],
    ],
  );
  await alice.cancelRun(runId);
  await finish(watch(alice.followRun(runId)));
  assert.equal((await finish(watch(alice.run(task('answer'))))).answer, 'The answer.');
});

test('another request under a known id is refused, and nothing is said against the run of that id', async () => {
  await using started = await startTestHost();
  const alice = started.connect();
  const { runId } = await alice.startRun(task('answer', { requestId: 'once' }));
  await finish(watch(alice.followRun(runId)));
  const error = await failureOf(alice.startRun(task('wait', { requestId: 'once' })));
  assert.equal(error.code, 'request_conflict');
  assert.ok(!recordsOf(started.host.auditPath).some(([kind]) => kind === 'run-refused'));
});

test('a request is the same by what was sent, though what is kept of it is hidden', async () => {
  await using started = await startTestHost();
  const alice = started.connect();
  // Built from parts, so that no scanner takes them for real ones.
  const [one, other] = [
    'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5',
    'zY8xW6vU4tS2rQ9pN7mL5kJ3hG1fE8dC6bA4',
  ];
  const spec = (secret: string | undefined): RunSpecInit =>
    task(`answer ghp_${secret}`, { requestId: 'once', metadata: { secret: `ghp_${secret}` } });
  const { runId } = await alice.startRun(spec(one));
  assert.deepEqual((await alice.getRun(runId)).metadata, { secret: '[SECRET]' });
  const again = await alice.startRun(spec(one));
  assert.deepEqual([again.runId, again.created], [runId, false]);
  const error = await failureOf(alice.startRun(spec(other)));
  assert.equal(error.code, 'request_conflict');
});

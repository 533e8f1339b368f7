import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { create, fromJson } from '@bufbuild/protobuf';
import type { JsonObject } from '@bufbuild/protobuf';
import { MessageSchema, Role, RunEndReason, SessionSchema, TurnSchema } from '@modelhost/contracts';
import type { Turn } from '@modelhost/contracts';
import type { ModelHostClient } from '@modelhost/sdk';
import { createApiKey } from './auth.ts';
import { failureOf } from './fixtures/guarded-server.ts';
import { finish, next, watch } from './fixtures/run-watch.ts';
import { keys, makeDirectory, startTestHost, task } from './fixtures/started-host.ts';

const started = await startTestHost();
after(async () => started[Symbol.asyncDispose]());
const alice = started.connect();

async function createSession(client: ModelHostClient, title = ''): Promise<string> {
  const { session } = await client.createSession({ title });
  return session?.sessionId ?? assert.fail('no session');
}

async function runIn(client: ModelHostClient, sessionId: string, text: string): Promise<void> {
  await finish(watch(client.run(task(text, { sessionId }))));
}

async function turnsOf(client: ModelHostClient, sessionId: string): Promise<readonly Turn[]> {
  return (await client.listTurns(sessionId)).turns;
}

/** The texts of a turn, in order. */
function textsOf({ messages }: Turn): readonly string[] {
  return messages.flatMap(({ content }) =>
    content.flatMap(({ part }) => (part.case === 'text' ? [part.value.text] : [])),
  );
}

test('a session keeps what its runs said, and the next run goes on with it', async () => {
  const sessionId = await createSession(alice, 'Questions');
  await runIn(alice, sessionId, 'answer one');
  await runIn(alice, sessionId, 'answer two');
  const turns = await turnsOf(alice, sessionId);
  assert.deepEqual(turns.map(textsOf), [
    ['answer one', 'The answer.'],
    ['answer two', 'The answer.'],
  ]);
  assert.deepEqual(
    turns.map(({ number, reason }) => [number, reason]),
    [
      [1, RunEndReason.COMPLETED],
      [2, RunEndReason.COMPLETED],
    ],
  );
  const session = await alice.getSession(sessionId);
  assert.equal(session.title, 'Questions');
  assert.equal(session.turnCount, 2);
  assert.equal(session.runId, '');
  // The second run has read the first turn: its estimate of the input says so.
  const [first, second] = turns.map(({ statistics }) => statistics?.inputTokens ?? 0n);
  assert.ok(first !== undefined && second !== undefined && second > first);
});

test('a history beside a session is refused, by the name of the field', async () => {
  const sessionId = await createSession(alice);
  const history = [
    create(MessageSchema, {
      role: Role.USER,
      content: [{ part: { case: 'text', value: { text: 'before' } } }],
    }),
  ];
  const error = await failureOf(alice.startRun(task('answer', { sessionId, history })));
  assert.equal(error.code, 'validation_failed');
  assert.deepEqual(
    error.violations.map(({ field }) => field),
    ['spec.history'],
  );
});

test('runs of one session follow one another, and each sees all that was said before', async () => {
  await using own = await startTestHost();
  const user = own.connect();
  const sessionId = await createSession(user);
  const first = watch(user.run(task('wait', { sessionId })));
  const { runId } = await next(first, 'runStarted');
  assert.equal((await user.getSession(sessionId)).runId, runId);
  const waiting = ['answer two', 'answer three'].map(async (text) =>
    user.startRun(task(text, { sessionId })),
  );
  await user.listAgents();
  assert.deepEqual(
    (await user.listRuns()).runs.map((run) => [run.runId, run.sessionId]),
    [[runId, sessionId]],
  );
  await user.cancelRun(runId);
  const ids = (await Promise.all(waiting)).map((answer) => answer.runId);
  for (const id of ids) await finish(watch(user.followRun(id)));
  const [cancelled, ...others] = await turnsOf(user, sessionId);
  assert.ok(cancelled !== undefined);
  assert.deepEqual(textsOf(cancelled), ['wait']);
  assert.equal(cancelled.reason, RunEndReason.CANCELLED);
  assert.deepEqual(others.map(({ runId: id }) => id).sort(), ids.toSorted());
  const tokens = others.map(({ statistics }) => statistics?.inputTokens ?? 0n);
  assert.ok(tokens[0] !== undefined && tokens[1] !== undefined && tokens[1] > tokens[0]);
  await finish(first);
});

test('beyond the bound of those who wait the next is told to come back', async () => {
  const sessionId = await createSession(alice);
  const first = watch(alice.run(task('wait', { sessionId })));
  const { runId } = await next(first, 'runStarted');
  // One is next, and sixteen may wait behind it.
  const starts = Array.from({ length: 18 }, async () =>
    alice.startRun(task('answer', { sessionId })),
  );
  const error = await failureOf(firstFailureOf(starts));
  assert.equal(error.code, 'overloaded');
  assert.equal(error.grpcStatus, 'RESOURCE_EXHAUSTED');
  assert.ok((error.retryAfterMs ?? 0) > 0);
  await alice.cancelRun(runId);
  const answers = (await Promise.allSettled(starts)).flatMap((start) =>
    start.status === 'fulfilled' ? [start.value] : [],
  );
  assert.equal(answers.length, 17);
  for (const answer of answers) await finish(watch(alice.followRun(answer.runId)));
  assert.equal((await alice.getSession(sessionId)).turnCount, 18);
});

/** Rejects as soon as one of them does. */
async function firstFailureOf(starts: readonly Promise<unknown>[]): Promise<unknown> {
  return Promise.all(starts);
}

test('the same request again is the same run, and leaves one turn', async () => {
  const sessionId = await createSession(alice);
  const spec = task('answer', { sessionId, requestId: 'once' });
  const both = await Promise.all([alice.startRun(spec), alice.startRun(spec)]);
  assert.equal(both.filter(({ created }) => created).length, 1);
  assert.equal(both[0].runId, both[1].runId);
  await finish(watch(alice.followRun(both[0].runId)));
  // By now the session has one turn more than at the first time.
  const again = await alice.startRun(spec);
  assert.deepEqual([again.created, again.runId], [false, both[0].runId]);
  const other = await failureOf(alice.startRun({ ...spec, sessionId: '' }));
  assert.equal(other.code, 'request_conflict');
  assert.equal((await turnsOf(alice, sessionId)).length, 1);
  await runIn(alice, sessionId, 'answer more');
});

test('a run that policy refuses leaves nothing, and the session is free', async () => {
  const policy = `
@id("test.content") @message("may") permit (principal, action in ModelHost::Action::"Content", resource);
@id("test.model") @message("may use") permit (principal, action == ModelHost::Action::"UseModel", resource);
@id("test.short") @message("only short conversations")
forbid (principal, action == ModelHost::Action::"AcceptInput", resource) when { context.inputBytes > 120 };
`;
  await using own = await startTestHost({ policy });
  const user = own.connect();
  const sessionId = await createSession(user);
  await runIn(user, sessionId, 'answer');
  // Policy sees the history too: with it the same task is too long.
  const error = await failureOf(user.startRun(task('answer', { sessionId })));
  assert.equal(error.code, 'policy_violation');
  assert.equal((await user.getSession(sessionId)).runId, '');
  assert.equal((await turnsOf(user, sessionId)).length, 1);
  await user.deleteSession(sessionId);
});

test('a session of somebody else is not there, but for those who may read', async () => {
  const sessionId = await createSession(alice);
  await runIn(alice, sessionId, 'answer');
  for (const key of [keys.bob.key, keys.carol.key]) {
    const other = started.connect(key);
    const wishes = [
      async () => other.getSession(sessionId),
      async () => other.listTurns(sessionId),
      async () => other.branchSession({ sessionId }),
      async () => other.deleteSession(sessionId),
      async () => other.startRun(task('answer', { sessionId })),
      async () => Array.fromAsync(other.exportSession(sessionId)),
    ];
    for (const wish of wishes) assert.equal((await failureOf(wish())).code, 'not_found');
    assert.deepEqual((await other.listSessions()).sessions, []);
    const all = await failureOf(other.listSessions({ allSubjects: true }));
    assert.equal(all.code, 'permission_denied');
  }
  assert.equal((await alice.getSession(sessionId)).turnCount, 1);
});

test('whoever looks after the tenant reads its sessions, and goes on with none', async () => {
  const auditor = createApiKey();
  const apiKeys = [
    { id: keys.alice.id, hash: keys.alice.hash, tenant: 'acme', subject: 'alice' },
    { id: auditor.id, hash: auditor.hash, tenant: 'acme', subject: 'ada', roles: ['auditor'] },
  ];
  await using own = await startTestHost({ server: { auth: { apiKeys } } });
  const sessionId = await createSession(own.connect());
  const ada = own.connect(auditor.key);
  assert.equal((await ada.getSession(sessionId)).subject, 'alice');
  assert.deepEqual((await ada.listSessions()).sessions, []);
  const { sessions } = await ada.listSessions({ allSubjects: true });
  assert.deepEqual(
    sessions.map((session) => session.sessionId),
    [sessionId],
  );
  // She sees that it is there, so she is told whose it is.
  for (const wish of [
    async () => ada.deleteSession(sessionId),
    async () => ada.branchSession({ sessionId }),
    async () => ada.startRun(task('answer', { sessionId })),
  ]) {
    const { code, facts } = await failureOf(wish());
    assert.deepEqual([code, facts], ['permission_denied', { subject: 'alice' }]);
  }
  assert.equal((await ada.getSession(sessionId)).turnCount, 0);
});

test('a branch goes its own way, and outlives what it comes from', async () => {
  const sessionId = await createSession(alice, 'Root');
  for (const text of ['answer one', 'answer two']) await runIn(alice, sessionId, text);
  const { session, created } = await alice.branchSession({ sessionId, turn: 1, requestId: 'b' });
  assert.ok(created && session !== undefined);
  assert.deepEqual(
    [session.title, session.turnCount, session.branchedFrom, session.branchedAtTurn],
    ['Root', 1, sessionId, 1],
  );
  assert.equal((await alice.branchSession({ sessionId, turn: 1, requestId: 'b' })).created, false);
  const tooFar = await failureOf(alice.branchSession({ sessionId, turn: 3 }));
  assert.equal(tooFar.code, 'failed_precondition');
  await runIn(alice, session.sessionId, 'answer other');
  assert.equal(await alice.deleteSession(sessionId), 1);
  assert.equal((await failureOf(alice.getSession(sessionId))).code, 'not_found');
  assert.deepEqual((await turnsOf(alice, session.sessionId)).map(textsOf), [
    ['answer one', 'The answer.'],
    ['answer other', 'The answer.'],
  ]);
  const whole = await alice.branchSession({ sessionId: session.sessionId });
  assert.equal(whole.session?.turnCount, 2);
});

test('an export is one document with all that was said, and is on record', async () => {
  const sessionId = await createSession(alice, 'Ask');
  await runIn(alice, sessionId, `answer ${'long '.repeat(30_000)}`);
  await runIn(alice, sessionId, 'answer two');
  const chunks = await Array.fromAsync(alice.exportSession(sessionId));
  assert.ok(chunks.length > 3 && chunks.every((chunk) => chunk.length <= 65_536));
  const { format, ...rest } = readObject(Buffer.concat(chunks).toString());
  assert.equal(format, 'modelhost.session/v1');
  // What Protobuf reads again is what it wrote.
  const session = fromJson(SessionSchema, rest['session'] ?? null);
  assert.deepEqual(session, await alice.getSession(sessionId));
  assert.ok(Array.isArray(rest['turns']));
  const turns = rest['turns'].map((turn) => fromJson(TurnSchema, turn));
  assert.deepEqual(turns, await turnsOf(alice, sessionId));
  const records = readFileSync(started.host.auditPath, 'utf8').trim().split('\n').map(readObject);
  const facts = { action: 'export', sessionId, turns: 2 };
  const exported = records
    .filter(({ kind }) => kind === 'session')
    .map((record) => record['facts']);
  assert.deepEqual(exported.at(-1), facts);
});

/** Written by the host, as an object. */
function readObject(text: string): JsonObject {
  return JSON.parse(text) as JsonObject;
}

test('a request comes back to its session, and to another one once that was deleted', async () => {
  const asked = { title: 'Weekly', requestId: 'weekly' };
  const first = await alice.createSession(asked);
  const sessionId = first.session?.sessionId ?? '';
  await runIn(alice, sessionId, 'answer');
  const again = await alice.createSession(asked);
  assert.deepEqual([again.created, again.session?.sessionId], [false, sessionId]);
  const { session: branch } = await alice.branchSession({ sessionId });
  await alice.deleteSession(sessionId);
  const other = await alice.createSession(asked);
  assert.equal(other.created, true);
  assert.notEqual(other.session?.sessionId, sessionId);
  // What was branched from the old one is from nothing that is there.
  assert.equal(branch?.branchedFrom, sessionId);
  assert.equal((await failureOf(alice.getSession(sessionId))).code, 'not_found');
});

test('a request id that has made a session or a branch makes nothing else', async () => {
  const [one, two] = [await createSession(alice), await createSession(alice)];
  for (const sessionId of [one, one, two]) await runIn(alice, sessionId, 'answer');
  const { session: made } = await alice.createSession({ requestId: 'made' });
  const asked = { sessionId: one, turn: 0, requestId: 'branched' };
  const { session: branch } = await alice.branchSession(asked);
  await runIn(alice, one, 'answer');
  // What is asked for again is the branch of that time, though there are more turns to take now.
  const again = [asked, { ...asked, turn: 2 }].map(async (same) => alice.branchSession(same));
  for (const { created, session } of await Promise.all(again)) {
    assert.deepEqual([created, session?.sessionId], [false, branch?.sessionId]);
  }
  const others = [
    [made, failureOf(alice.branchSession({ ...asked, requestId: 'made' }))],
    [branch, failureOf(alice.createSession({ requestId: 'branched' }))],
    [branch, failureOf(alice.branchSession({ ...asked, turn: 1 }))],
    [branch, failureOf(alice.branchSession({ ...asked, turn: 3 }))],
    [branch, failureOf(alice.branchSession({ ...asked, sessionId: two }))],
  ] as const;
  for (const [known, failure] of others) {
    const { code, facts } = await failure;
    assert.equal(code, 'request_conflict');
    assert.deepEqual(facts, { session_id: known?.sessionId });
  }
});

test('a session is not deleted under a run, and is once that has ended', async () => {
  const sessionId = await createSession(alice);
  const run = watch(alice.run(task('wait', { sessionId })));
  const { runId } = await next(run, 'runStarted');
  const refused = await failureOf(alice.deleteSession(sessionId));
  assert.equal(refused.code, 'failed_precondition');
  assert.equal(refused.facts['run_id'], runId);
  await alice.cancelRun(runId);
  await finish(run);
  assert.equal(await alice.deleteSession(sessionId), 1);
  const gone = await failureOf(alice.startRun(task('answer', { sessionId })));
  assert.equal(gone.code, 'not_found');
});

test('a value that the first turn hides has the same placeholder in the next', async (t) => {
  const directory = makeDirectory(t);
  writeFileSync(
    join(directory, 'authorize.cedar'),
    '@id("test.all") permit (principal, action, resource);\n',
  );
  const oblige = `
@id("test.private") @message("addresses are hidden") @oblige("redact") @detectors("email") @style("placeholder")
permit (principal, action in [ModelHost::Action::"Content", ModelHost::Action::"UseModel"], resource);
`;
  writeFileSync(join(directory, 'oblige.cedar'), oblige);
  await using own = await startTestHost({ policies: { directory } });
  const user = own.connect();
  const sessionId = await createSession(user);
  const addresses = ['ann@example.org', 'bob@example.org'];
  await runIn(user, sessionId, `answer ${addresses.join(' ')}`);
  await runIn(user, sessionId, `answer ${addresses.toReversed().join(' ')} [EMAIL_1:0000]`);
  const { session } = await user.branchSession({ sessionId });
  await runIn(user, session?.sessionId ?? '', `answer ${addresses[1]}`);
  const turns = await turnsOf(user, session?.sessionId ?? '');
  const found = turns.map((turn) => textsOf(turn)[0]?.match(/\[EMAIL_\d+:\w+\]/g) ?? []);
  const [ann = '', bob = ''] = found[0] ?? [];
  assert.notEqual(ann, bob);
  assert.ok(ann !== '' && bob !== '');
  // In the next turn, and in that of a branch; what a caller makes up is none.
  assert.deepEqual(found, [[ann, bob], [bob, ann], [bob]]);
  const exported = Buffer.concat(await Array.fromAsync(user.exportSession(sessionId))).toString();
  assert.ok(!exported.includes('example.org'));
});

test('pages of sessions and turns hold everything once', async () => {
  await using own = await startTestHost();
  const user = own.connect();
  const ids: string[] = [];
  for (let number = 0; number < 5; number += 1) ids.unshift(await createSession(user));
  const first = await user.listSessions({ pageSize: 3 });
  const second = await user.listSessions({ pageSize: 3, pageToken: first.nextPageToken });
  const listed = [...first.sessions, ...second.sessions].map((session) => session.sessionId);
  assert.deepEqual(listed, ids);
  assert.equal(second.nextPageToken, '');
  const sessionId = ids[0] ?? '';
  for (const text of ['answer a', 'answer b', 'answer c']) await runIn(user, sessionId, text);
  const page = await user.listTurns(sessionId, { pageSize: 2 });
  const rest = await user.listTurns(sessionId, { pageSize: 2, pageToken: page.nextPageToken });
  assert.deepEqual(
    [...page.turns, ...rest.turns].map(({ number }) => number),
    [1, 2, 3],
  );
  assert.equal(rest.nextPageToken, '');
  const bad = await failureOf(user.listTurns(sessionId, { pageToken: 'x', pageSize: 101 }));
  assert.deepEqual(
    bad.violations.map(({ field }) => field),
    ['page_size', 'page_token'],
  );
});

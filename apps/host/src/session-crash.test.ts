import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf } from './fixtures/guarded-server.ts';
import { createHostSeries, turnRunsOf } from './fixtures/host-series.ts';
import { finish, next, watch } from './fixtures/run-watch.ts';
import { task } from './fixtures/started-host.ts';

test('a session is held over a crash by the run that waits in it, whose turn comes once', async (t) => {
  const hosts = createHostSeries(t);
  const first = await hosts.start();
  const { session } = await first.createSession();
  const sessionId = session?.sessionId ?? '';
  const { runId: one } = await first.startRun(task('answer', { sessionId }));
  await finish(watch(first.followRun(one)));
  const { runId: two } = await first.startRun(task('ask', { sessionId }));
  const events = watch(first.followRun(two));
  const { callId } = await next(events, 'toolRequested');
  while ((await first.getRun(two)).waitingFor.length === 0);
  await events.return?.();
  await hosts.kill();

  const second = await hosts.start();
  assert.equal((await second.getSession(sessionId)).runId, two);
  assert.equal((await failureOf(second.deleteSession(sessionId))).code, 'failed_precondition');
  // Whoever comes now waits for the run of before.
  const waiting = second.startRun(task('answer', { sessionId, requestId: 'three' }));
  await second.submitToolResult({ runId: two, callId, content: 'said' });
  const { runId: three } = await waiting;
  await finish(watch(second.followRun(three)));
  assert.deepEqual(await turnRunsOf(second, sessionId), [one, two, three]);
});

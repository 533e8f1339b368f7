/** Not against the clock, but with a process for each moment: too long for every test run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunEvent } from '@modelhost/contracts';
import { createHostSeries, turnRunsOf } from './fixtures/host-series.ts';
import { finish, watch } from './fixtures/run-watch.ts';
import { task } from './fixtures/started-host.ts';

test('wherever a run of a session is killed, its turn is there once when it has ended', async (t) => {
  const hosts = createHostSeries(t);
  let client = await hosts.start();
  const { session } = await client.createSession();
  const sessionId = session?.sessionId ?? '';
  const expected: string[] = [];
  for (const moment of ['stepStarted', 'textDelta', 'usage', 'runFinished'] as const) {
    const { runId } = await client.startRun(task('answer', { sessionId }));
    expected.push(runId);
    await untilEvent(client.followRun(runId), moment);
    await hosts.kill();
    client = await hosts.start();
    await finish(watch(client.followRun(runId)));
    assert.deepEqual(await turnRunsOf(client, sessionId), expected, moment);
  }
});

async function untilEvent(
  events: AsyncIterable<RunEvent>,
  name: RunEvent['event']['case'],
): Promise<void> {
  for await (const { event } of events) if (event.case === name) return;
}

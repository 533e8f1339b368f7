import assert from 'node:assert/strict';
import test from 'node:test';
import { RunEndReason } from '@modelhost/contracts';
import type { RunEvent } from '@modelhost/contracts';
import { createModelHostClient } from '@modelhost/sdk';
import { ended } from './processes.ts';
import { restartHost } from './start-host.ts';
import { startTenRuns } from './ten-runs.ts';

const { COMPLETED } = RunEndReason;

test('SIGTERM lets ten streaming runs finish, takes no new ones, and leaves no process', async (t) => {
  const { host, client, held, endings, children } = await startTenRuns(t, {
    gracefulShutdownTimeoutMs: 60_000,
  });
  host.send('SIGTERM');
  await host.logged('draining');
  const spec = { agent: 'worker', input: [{ part: { case: 'text', value: { text: 'a' } } }] };
  await assert.rejects(client.startRun(spec as Parameters<typeof client.startRun>[0]), {
    code: 'draining',
    grpcStatus: 'UNAVAILABLE',
  });
  assert.equal((await fetch(`http://${host.healthAddress}/ready`)).status, 503);
  assert.equal((await fetch(`http://${host.healthAddress}/health`)).status, 200);
  for (const request of held) request.release();
  const complete = { reason: COMPLETED, cancelledBy: '', text: 'waiting done' };
  assert.deepEqual(
    await endings,
    held.map(() => complete),
  );
  assert.deepEqual(await host.exited, { code: 0, signal: null });
  await ended(children, t.signal);
});

test('past the shutdown timeout runs are left to the next host, and the exit code and a warning tell it', async (t) => {
  const { host, client, held, heldAgain, children } = await startTenRuns(t, {
    gracefulShutdownTimeoutMs: 200,
    isStubborn: true,
  });
  const { runs } = await client.listRuns();
  host.send('SIGTERM');
  // The connections to the provider are closed, not left behind.
  await Promise.all(held.map(({ closed }) => closed));
  assert.deepEqual(await host.exited, { code: 1, signal: null });
  assert.partialDeepStrictEqual(await host.logged('runs were interrupted'), {
    level: 'warn',
    interrupted: 10,
  });
  await ended(children, t.signal);
  client.close();
  const next = await restartHost(t, host);
  for (const request of await heldAgain()) request.release();
  const later = createModelHostClient({ address: next.grpcAddress });
  t.after(() => later.close());
  const texts = await Promise.all(runs.map(async ({ runId }) => textOf(later.followRun(runId))));
  assert.deepEqual(
    texts,
    held.map(() => 'waiting done'),
  );
});

for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const) {
  test(`a second ${signal} ends the host at once, and the most stubborn tool server with it`, async (t) => {
    const { host, children } = await startTenRuns(t, {
      gracefulShutdownTimeoutMs: 60_000,
      isStubborn: true,
    });
    host.send(signal);
    await host.logged('draining');
    host.send(signal);
    assert.deepEqual(await host.exited, { code, signal: null });
    await ended(children, t.signal);
  });
}

/** What a run says, without what was taken back. */
async function textOf(events: AsyncIterable<RunEvent>): Promise<string> {
  let said = '';
  for await (const { event } of events) {
    if (event.case === 'stepReset') said = '';
    if (event.case === 'textDelta') said += event.value.text;
  }
  return said;
}

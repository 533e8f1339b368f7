import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { ReplayVerdict, RunEndReason } from '@modelhost/contracts';
import type { ReplayRunResponse } from '@modelhost/contracts';
import { createModelHostClient } from '@modelhost/sdk';
import type { ModelHostClient } from '@modelhost/sdk';
import { commandPath, restartHost } from '../end-to-end/start-host.ts';
import type { HostProcess } from '../end-to-end/start-host.ts';
import { toolsReady } from '../end-to-end/tools-ready.ts';
import { layOut, listKept } from './kept-directory.ts';
import type { Account, KeptRun } from './kept-directory.ts';
import { createSetup } from './setup.ts';
import { follow, untilWaiting } from './write-story.ts';

const compileCache = new URL('../../../scripts/compile-cache.ts', import.meta.url).href;

/** A host of today on a copy, a minute after it was written: what waited is not late then, and nothing is too old to be kept. */
async function openKept(
  t: TestContext,
  name: string,
): Promise<{ readonly account: Account; readonly host: HostProcess }> {
  const directory = await mkdtemp(join(tmpdir(), 'data-directory-'));
  t.after(async () => rm(directory, { recursive: true, force: true }));
  const account = await layOut(name, join(directory, 'data'));
  const { config, files } = createSetup();
  const texts = { ...files, 'model-host.yaml': JSON.stringify(config) };
  for (const [path, text] of Object.entries(texts)) {
    /* oxlint-disable no-await-in-loop -- few and small */
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
    /* oxlint-enable no-await-in-loop */
  }
  const clock = new URL('shifted-clock.ts', import.meta.url);
  clock.searchParams.set('at', String(account.writtenAtMs + 60_000));
  const execArgv = ['--import', compileCache, '--import', clock.href];
  return { account, host: await restartHost(t, { directory }, execArgv) };
}

async function replay(
  client: ModelHostClient,
  runId: string,
): Promise<{ readonly events: number; readonly verdict: ReplayVerdict | undefined }> {
  let events = 0;
  let last: ReplayRunResponse['item'] | undefined;
  for await (const item of client.replayRun(runId)) {
    if (item.case === 'event') events += 1;
    last = item;
  }
  return { events, verdict: last?.case === 'result' ? last.value.verdict : undefined };
}

async function checkFinished(client: ModelHostClient, run: KeptRun): Promise<void> {
  const { story, ...kept } = run;
  assert.deepEqual(await follow(client, run.runId), kept, story);
  const again = { events: run.events, verdict: ReplayVerdict.EQUAL };
  assert.deepEqual(await replay(client, run.runId), again, story);
}

/** Says yes to what the run waits for, and stays with it to its end. */
async function finishParked(client: ModelHostClient, { runId }: KeptRun): Promise<void> {
  const approvalId = await untilWaiting(client, runId);
  await client.resolveApproval({ runId, approvalId, approved: true });
  const { reason, answer } = await follow(client, runId);
  assert.deepEqual([reason, answer], [RunEndReason.COMPLETED, 'The contract is signed.']);
  assert.equal((await replay(client, runId)).verdict, ReplayVerdict.EQUAL);
}

const names = await listKept();

test('there is a directory of the first version that keeps runs', () => {
  assert.ok(names.includes('data-0.6.0'));
});

for (const name of names) {
  test(`a host goes on with ${name}`, async (t) => {
    const { account, host } = await openKept(t, name);
    const client = createModelHostClient({ address: host.grpcAddress });
    t.after(() => client.close());
    await toolsReady(client, 'desk');
    const { runs } = await client.listRuns();
    assert.deepEqual(
      runs.map(({ runId }) => runId),
      account.runs.map(({ runId }) => runId).toReversed(),
    );
    for (const run of account.runs) {
      // oxlint-disable-next-line no-await-in-loop -- in the order in which they were told
      await (run.story === 'parked' ? finishParked(client, run) : checkFinished(client, run));
    }
    const { turns } = await client.listTurns(account.sessionId);
    const told = account.runs.filter(({ story }) => story === 'first' || story === 'second');
    assert.deepEqual(
      turns.map(({ runId }) => runId),
      told.map(({ runId }) => runId),
    );
    const { decisions } = await client.listDecisions({ pageSize: 100 });
    assert.ok(decisions.some(({ runId }) => runId === account.runs[0]?.runId));
    host.send('SIGTERM');
    assert.deepEqual(await host.exited, { code: 0, signal: null });
    const verify = [commandPath, 'audit', 'verify', host.auditPath];
    const { stdout } = await promisify(execFile)(process.execPath, verify);
    const records = Number(/(\d+) records/.exec(stdout.replaceAll(',', ''))?.[1]);
    assert.ok(records > account.auditRecords, stdout);
  });
}

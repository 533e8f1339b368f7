import assert from 'node:assert/strict';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { RunEndReason, RunState } from '@modelhost/contracts';
import { finish, watch } from './fixtures/run-watch.ts';
import { makeDirectory, startHostIn, task, writeHostConfig } from './fixtures/started-host.ts';
import { createStorageTools } from './storage/storage-tools.ts';

test('one bit that changed in a run that waits ends that run, and takes nothing else with it', async (t) => {
  const directory = makeDirectory(t);
  await using first = await startHostIn(directory);
  const alice = first.connect();
  const { session } = await alice.createSession();
  const sessionId = session?.sessionId ?? '';
  const { runId: sound } = await alice.startRun(task('pay'));
  const { runId: damaged } = await alice.startRun(task('pay', { sessionId }));
  for (const runId of [sound, damaged]) {
    while ((await alice.getRun(runId)).waitingFor.length === 0);
  }
  assert.deepEqual(await first.host.drain(), { interrupted: 0 });
  changeEntry(join(directory, 'data', 'runs', 'journal.db'), damaged);

  await using second = await startHostIn(directory);
  const again = second.connect();
  const result = await finish(watch(again.followRun(damaged)));
  assert.equal(result.reason, RunEndReason.FAILED);
  assert.equal(result.error?.code, 'storage_unavailable');
  assert.equal(result.error.facts['reason'], 'corrupt');
  assert.deepEqual(await again.cancelRun(damaged), false);
  const { runs } = await again.listRuns();
  assert.deepEqual(
    runs.map(({ runId, state }) => [runId, state]),
    [
      [damaged, RunState.FINISHED],
      [sound, RunState.WAITING],
    ],
  );
  const { runId: next } = await again.startRun(task('answer', { sessionId }));
  assert.equal((await finish(watch(again.followRun(next)))).answer, 'The answer.');
  await again.deleteSession(sessionId);
});

test('the last entry of a finished run that was lost is noticed, and an event is told as a gap', async (t) => {
  const directory = makeDirectory(t);
  await using first = await startHostIn(directory);
  const alice = first.connect();
  const { runId } = await alice.startRun(task('answer'));
  await finish(watch(alice.followRun(runId)));
  await first.host.drain();
  const storage = createStorageTools(writeHostConfig(directory), {});
  assert.ok((await storage.verify()) > 3);

  const path = join(directory, 'data', 'runs', 'journal.db');
  const lose = (what: string): void => {
    using database = new DatabaseSync(path);
    const { changes } = database.prepare(`DELETE FROM ${what}`).run();
    assert.equal(changes, 1);
  };
  lose('entry WHERE id = (SELECT max(id) FROM entry)');
  await assert.rejects(storage.verify(), {
    code: 'storage_unavailable',
    message: new RegExp(`the end of the journal is missing of ${runId} \\(`),
  });
  lose('event WHERE id = (SELECT min(id) + 1 FROM event)');
  await assert.rejects(storage.verify(), new RegExp(`events \\d+ to \\d+ of ${runId} \\(`));

  await using second = await startHostIn(directory);
  const again = second.connect();
  const kinds = (await Array.fromAsync(again.followRun(runId))).map(({ event }) => event.case);
  assert.deepEqual(
    [kinds.filter((kind) => kind === 'eventsDropped').length, kinds.at(-1)],
    [1, 'runFinished'],
  );
});

test('a host whose database is damaged takes nothing more, says so, and leaves nobody waiting', async (t) => {
  const directory = makeDirectory(t);
  const corrupt = { code: 'storage_unavailable', facts: { reason: 'corrupt' } };

  await using first = await startHostIn(directory);
  const alice = first.connect();
  const { runId: waiting } = await alice.startRun(task('pay'));
  while ((await alice.getRun(waiting)).waitingFor.length === 0);
  for (let count = 0; count < 12; count += 1) {
    const { runId } = await alice.startRun(task('answer'));
    await finish(watch(alice.followRun(runId)));
  }
  await first.host.drain();
  zeroLastPage(join(directory, 'data', 'runs', 'journal.db'), 'run');

  await using second = await startHostIn(directory);
  const again = second.connect();
  assert.equal((await again.getRun(waiting)).state, RunState.WAITING);
  const following = finish(watch(again.followRun(waiting)));
  await Promise.all([
    assert.rejects(following, corrupt),
    assert.rejects(again.startRun(task('answer')), corrupt),
  ]);
  await assert.rejects(again.cancelRun(waiting), corrupt);
  const ready = await fetch(`http://${second.host.healthAddress}/ready`);
  assert.equal(ready.status, 503);
  assert.match(await ready.text(), /"storage".*the database is damaged/s);
  assert.deepEqual(await second.host.drain(), { interrupted: 0 });
});

function zeroLastPage(path: string, table: string): void {
  const page = findLastPage(path, table);
  const file = openSync(path, 'r+');
  writeSync(file, new Uint8Array(4_096), 0, 4_096, (page - 1) * 4_096);
  closeSync(file);
}

function findLastPage(path: string, table: string): number {
  using database = new DatabaseSync(path, { readOnly: true });
  const pages = database
    .prepare('SELECT pageno FROM dbstat WHERE name = ? ORDER BY path')
    .all(table);
  assert.ok(pages.length > 2);
  return Number(pages.at(-1)?.['pageno']);
}

function changeEntry(path: string, runId: string): void {
  using database = new DatabaseSync(path);
  const row = database
    .prepare('SELECT id, body FROM entry WHERE run = (SELECT ordinal FROM run WHERE run_id = ?)')
    .get(runId);
  const body = row?.['body'];
  assert.ok(body instanceof Uint8Array);
  body[40] = (body[40] ?? 0) ^ 1;
  database.prepare('UPDATE entry SET body = ? WHERE id = ?').run(body, Number(row?.['id']));
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inDirectory } from './fixtures/store-directory.ts';
import { runKillRound } from './fixtures/kill-rounds.ts';
import { readTornCopies } from './fixtures/torn-log.ts';
import { openSqliteStore } from './open-store.ts';

test('a process that is killed in the middle keeps every write that resolved, and none by half', async () => {
  await inDirectory(async (directory) => {
    let writes = 0;
    for (let round = 1; round <= 5; round += 1) {
      // oxlint-disable-next-line no-await-in-loop -- each opens what the one before left behind
      writes = await runKillRound(directory, 40 * round, 'removing');
    }
    assert.ok(writes > 500);
    const store = await openSqliteStore({ directory });
    const unfinished = await store.runs.unfinished({ afterOrdinal: 0, limit: 100 });
    assert.equal(unfinished.filter(({ runId }) => runId.startsWith('run-')).length, 16);
    await store.close();
  });
});

test('a write-ahead log that was torn anywhere gives whole writes only', async () => {
  await inDirectory(async (directory) => {
    // So many that the tables of the store are in the first half of the log.
    await runKillRound(directory, 300, 'writing');
    await readTornCopies(directory, 8);
  });
});

import assert from 'node:assert/strict';
import { cp, mkdir, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { createPlainCodec } from '@modelhost/engine-embedded';
import { HostError, noStatistics, plainLabels } from '@modelhost/kernel';
import {
  assertUnavailable,
  bytesOf,
  entryWrite,
  finishWrite,
  inDirectory,
  inStore,
  newRun,
} from '../fixtures/store-directory.ts';
import type { StorageReason } from '../fault.ts';
import { readMigrations } from '../migrate.ts';
import { openSqliteStore } from '../open-store.ts';
import type { SqliteStore } from '../open-store.ts';
import type { StoreMark } from '../store-mark.ts';
import { backUpDirectory } from './backup.ts';
import { copyBackup, restoreInto } from './restore.ts';
import { describeSqliteStore, restoreSqliteStore, verifySqliteStore } from './tasks.ts';
import { verifyDirectory } from './verify.ts';

test('a backup that is taken while runs are written is one moment, and a store is restored from it', async () => {
  await inStore(async (store, directory) => {
    await createRuns(store);
    const path = join(directory, 'backup.db');
    const before = await writeBoth(store, 30);
    const copied = new AbortController();
    const backup = store.backup(path).finally(() => copied.abort());
    let after = before;
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    while (!copied.signal.aborted) after += await writeBoth(store, 1);
    await backup;
    assert.equal((await stat(path)).mode & 0o777, 0o600);

    const restored = join(directory, 'restored');
    await restoreSqliteStore({ from: path, directory: restored });
    assert.deepEqual((await readdir(restored)).sort(), ['journal.db', 'lock.db']);
    const again = await openSqliteStore({ directory: restored });
    const [a, b] = await Promise.all([countEntries(again, 'a'), countEntries(again, 'b')]);
    // `b` gets its entry when that of `a` is durable.
    assert.ok(a === b || a === b + 1, `${a} and ${b}`);
    assert.ok(a >= before && a <= after, `${before} <= ${a} <= ${after}`);
    await again.runs.write(entryWrite('a', bytesOf('goes on')));
    await again.close();
    await verifySqliteStore({ directory });
  });
});

test('what is in a store is counted beside the one who has it open', async () => {
  await inStore(async (store, directory) => {
    await store.runs.create(newRun('a'), bytesOf('input'));
    await store.runs.create(newRun('b'), bytesOf('input'));
    const events = { firstSequence: 1, lastSequence: 3, payload: bytesOf('events') };
    await store.runs.write({ ...entryWrite('a', bytesOf('entry')), events });
    await store.runs.write(finishWrite('b'));
    const { runs, sessions, eventWrites, fileBytes, freeBytes, version } =
      await describeSqliteStore({ directory });
    assert.deepEqual(
      { runs, sessions, eventWrites, version },
      {
        runs: { running: 1, waiting: 0, finished: 1 },
        sessions: 0,
        eventWrites: 1,
        version: readMigrations().length,
      },
    );
    assert.ok(fileBytes > freeBytes);
  });
  await assertUnavailable(describeSqliteStore({ directory: 'nowhere' }), 'missing');
});

test('nothing is overwritten: neither a file by a backup nor a directory by a restoration', async () => {
  await inStore(async (store, directory) => {
    await createRuns(store);
    const path = join(directory, 'backup.db');
    await backUpDirectory(directory, path);
    const { mtimeMs } = await stat(path);
    const again = backUpDirectory(directory, path);
    assert.match(await assertUnavailable(again, 'not_empty'), /backup\.db: exists/);
    assert.equal((await stat(path)).mtimeMs, mtimeMs);
    const message = await assertUnavailable(restoring(path, directory), 'not_empty');
    assert.match(message, /restore into an empty directory/);
    const nowhere = join(directory, 'nowhere', 'backup.db');
    await assertUnavailable(backUpDirectory(directory, nowhere), 'missing');
  });
});

test('what is no sound backup is refused, and leaves no store', async () => {
  await inStore(async (store, directory) => {
    await createRuns(store);
    await writeBoth(store, 30);
    const from = join(directory, 'from.db');
    const into = join(directory, 'restored');
    const refuse = async (reason: StorageReason): Promise<string> => {
      const message = await assertUnavailable(restoring(from, into), reason);
      assert.ok(message.startsWith(`${from}: `), message);
      assert.deepEqual(await readdir(into), ['lock.db']);
      return message;
    };
    await refuse('missing');
    await writeFile(from, 'no database, but longer than the header of one '.repeat(9));
    assert.match(await refuse('corrupt'), /this backup is damaged, or is none; restore another/);
    await writeFile(from, '');
    await refuse('foreign');
    await rm(from);
    await backUpDirectory(directory, from);
    change(from, 'PRAGMA user_version = 99');
    await refuse('newer');
    change(from, `PRAGMA user_version = ${readMigrations().length}`);
    change(from, 'UPDATE blob SET bytes = zeroblob(length(bytes))');
    await refuse('corrupt');
    await rm(from);
    await backUpDirectory(directory, from);
    await restoring(from, into);
    verifyDirectory(into);
  });
});

test('a directory in which a restoration did not finish is no store, and is restored into again', async () => {
  await inStore(async (store, directory) => {
    await createRuns(store);
    const from = join(directory, 'from.db');
    const into = join(directory, 'restored');
    await backUpDirectory(directory, from);
    // As a kill leaves it: before the copy has its name, and in the middle of the copying.
    await mkdir(into);
    copyBackup(from, into);
    for (const name of ['journal.db.part-wal', 'lock.db-journal']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await writeFile(join(into, name), '');
    }
    for (const size of [100_000, 10]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await truncate(join(into, 'journal.db.part'), size);
      for (const use of [openSqliteStore, describeSqliteStore]) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        const message = await assertUnavailable(use({ directory: into }), 'missing');
        assert.match(message, /journal\.db\.part: .* did not finish; run .*storage restore` again/);
      }
    }
    const marks: (StoreMark | undefined)[] = [];
    const record = async (mark: StoreMark | undefined): Promise<void> => {
      marks.push(mark);
      await assertUnavailable(describeSqliteStore({ directory: into }), 'missing');
    };
    await restoreSqliteStore({ from, directory: into, record });
    assert.deepEqual((await readdir(into)).sort(), ['journal.db', 'lock.db']);
    assert.deepEqual(marks, [(await describeSqliteStore({ directory: into })).mark]);
  });
});

test('the database of a host is no backup while its last writes are beside it', async () => {
  await inStore(async (store, directory) => {
    await createRuns(store);
    await store.compact();
    await writeBoth(store, 3);
    const from = join(directory, 'journal.db');
    const into = join(directory, 'restored');
    const message = await assertUnavailable(restoring(from, into), 'foreign');
    assert.match(message, /journal\.db: is no backup.*-wal; .*`model-host storage backup`/);
    await store.close();
    await restoring(from, into);
    verifyDirectory(into);
  });
});

test('a restoration has its directory for itself until it is done', async () => {
  await inStore(async (store, directory) => {
    await createRuns(store);
    const from = join(directory, 'from.db');
    const into = join(directory, 'restored');
    await backUpDirectory(directory, from);
    const refuseOther = async (): Promise<void> => {
      await assertUnavailable(restoreSqliteStore({ from, directory: into }), 'locked');
    };
    await restoreInto(into, {
      copy: async () => {
        copyBackup(from, into);
        await refuseOther();
      },
      record: refuseOther,
    });
    await assertUnavailable(restoreSqliteStore({ from, directory: into }), 'not_empty');
    assert.equal((await describeSqliteStore({ directory: into })).runs.running, 2);
  });
});

test('a restoration that cannot be put on record leaves no store', async () => {
  await inStore(async (store, directory) => {
    await createRuns(store);
    const from = join(directory, 'from.db');
    const into = join(directory, 'restored');
    await backUpDirectory(directory, from);
    const record = async (): Promise<void> => {
      throw new HostError('audit_unavailable', 'a host runs there');
    };
    const restoration = restoreSqliteStore({ from, directory: into, record });
    await assert.rejects(restoration, { code: 'audit_unavailable' });
    assert.deepEqual(await readdir(into), ['lock.db']);
  });
});

test('a backup of a damaged database or one of a newer host names that, and not its own file', async () => {
  await inStore(async (store, directory) => {
    await createRuns(store);
    await writeBoth(store, 3);
    await store.close();
    const source = join(directory, 'journal.db');
    const path = join(directory, 'backup.db');
    change(source, 'PRAGMA user_version = 99');
    const newer = await assertUnavailable(backUpDirectory(directory, path), 'newer');
    assert.ok(newer.startsWith(`${source}: was written by a newer host`), newer);
    await truncate(source, 4 * 4_096);
    const damaged = await assertUnavailable(backUpDirectory(directory, path), 'corrupt');
    assert.ok(damaged.startsWith(`${source}: the database is damaged`), damaged);
    assert.deepEqual(
      (await readdir(directory)).filter((name) => name.startsWith('backup')),
      [],
    );
  });
});

test('a verification finds rows that an index does not', async () => {
  await inStore(async (store, directory) => {
    await createRuns(store);
    await writeBoth(store, 3);
    await verifySqliteStore({ directory });
    await store.close();
    change(
      join(directory, 'journal.db'),
      "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'entry_by_run'",
    );
    await assertUnavailable(verifySqliteStore({ directory }), 'corrupt');
  });
});

test('a verification names what is missing of runs and sessions', async () => {
  await inDirectory(async (directory) => {
    const whole = join(directory, 'whole');
    await fillStore(whole);
    await verifySqliteStore({ directory: whole });
    const losses = [
      ['DELETE FROM run_input WHERE run = 1', /the input of a \(acme\)\. Restore/],
      ['DELETE FROM run_tail WHERE run = 1', /the count of events of a \(acme\)/],
      ['DELETE FROM event WHERE first_sequence = 3', /: events 3 to 4 of a \(acme\)\./],
      ['DELETE FROM event WHERE first_sequence = 5', /: events 5 to 5 of a \(acme\)\./],
      ['DELETE FROM event WHERE run = 2', /: events 1 to 1 of b \(acme\)\./],
      ['DELETE FROM session_turn WHERE number = 2', /the last turn of ses_1 \(acme\)/],
      ['DELETE FROM session_turn WHERE number = 1', /the turn before that of run_2 \(acme\)/],
      ['DELETE FROM session_piece WHERE turn = 1', /what was said in the turn of run_1 \(acme\)/],
    ] as const;
    for (const [index, [statement, expected]] of losses.entries()) {
      const place = join(directory, String(index));
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await cp(whole, place, { recursive: true });
      change(join(place, 'journal.db'), statement);
      // oxlint-disable-next-line no-await-in-loop -- as above
      const message = await assertUnavailable(verifying(place), 'corrupt');
      assert.match(message, expected);
    }
    // Older events may go, and those of a finished run that is old.
    for (const statement of ['first_sequence = 1 AND run = 1', 'run = 1']) {
      change(join(whole, 'journal.db'), `DELETE FROM event WHERE ${statement}`);
      verifyDirectory(whole);
    }
  });
});

/** A finished run with events, one that goes on, and a session of two turns. */
async function fillStore(directory: string): Promise<void> {
  const store = await openSqliteStore({ directory });
  await createRuns(store);
  for (const [runId, firstSequence, lastSequence] of [
    ['a', 1, 2],
    ['a', 3, 4],
    ['a', 5, 5],
    ['b', 1, 1],
  ] as const) {
    const events = { firstSequence, lastSequence, payload: bytesOf('events') };
    // oxlint-disable-next-line no-await-in-loop -- in their order
    await store.runs.write({ ...entryWrite(runId, bytesOf('entry')), events });
  }
  await store.runs.write(finishWrite('a'));
  const sessions = store.sessions(createPlainCodec());
  const place = { tenant: 'acme', sessionId: 'ses_1' };
  await sessions.create({ ...place, subject: 'ann', title: '', metadata: {}, createdAtMs: 1 });
  for (const number of [1, 2]) {
    const runId = `run_${number}`;
    // oxlint-disable-next-line no-await-in-loop -- in their order
    await sessions.hold(place, runId);
    // oxlint-disable-next-line no-await-in-loop -- as above
    await sessions.append(place, {
      number,
      runId,
      agent: 'tester',
      agentVersion: '1',
      reason: 'completed',
      timeMs: 1,
      messages: [{ role: 'assistant', content: 'yes', toolCalls: [] }],
      statistics: noStatistics,
      labels: plainLabels,
      placeholders: null,
    });
  }
  await store.close();
}

async function verifying(directory: string): Promise<void> {
  verifyDirectory(directory);
}

async function restoring(from: string, directory: string): Promise<void> {
  await restoreInto(directory, {
    copy: async () => copyBackup(from, directory),
    record: async () => {},
  });
}

async function createRuns(store: SqliteStore): Promise<void> {
  await store.runs.create(newRun('a'), bytesOf('input'));
  await store.runs.create(newRun('b'), new Uint8Array(70_000).fill(1));
}

/** An entry of the run `a`, then one of `b`, so many times; gives how often. */
async function writeBoth(store: SqliteStore, times: number): Promise<number> {
  for (let time = 0; time < times; time += 1) {
    for (const runId of ['a', 'b']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await store.runs.write(entryWrite(runId, bytesOf('entry '.repeat(500))));
    }
  }
  return times;
}

async function countEntries(store: SqliteStore, runId: string): Promise<number> {
  return (await store.runs.read(runId))?.entries.length ?? 0;
}

function change(path: string, statement: string): void {
  using database = new DatabaseSync(path, { defensive: false });
  database.exec(statement);
}

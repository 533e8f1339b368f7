import assert from 'node:assert/strict';
import { copyFile, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import type { RunStore, RunWrite } from '@modelhost/engine-embedded';
import {
  assertUnavailable,
  bytesOf,
  entryWrite,
  finishWrite,
  inDirectory,
  newRun,
} from './fixtures/store-directory.ts';
import { verifySqliteStore } from './maintenance/tasks.ts';
import { openSqliteStore } from './open-store.ts';

const pageBytes = 4_096;
/** Enough for several pages of each table and index. */
const runs = 600;
const numbers = Array.from({ length: runs }, (_, index) => index + 1);

let filled = '';
before(async () => {
  filled = await mkdtemp(join(tmpdir(), 'store-sqlite-'));
  await fillStore();
});
after(async () => rm(filled, { recursive: true }));

/** What comes upon a last page that is damaged. */
const findings: Readonly<Record<string, (store: RunStore) => Promise<unknown>>> = {
  'table run': (store) => store.list('acme', { limit: runs }),
  'index sqlite_autoindex_run_1 of run': (store) => store.create(newRun('z'), bytesOf('')),
  'table entry': (store) => store.write(entryWrite('r1', bytesOf(''))),
  'index event_by_run of event': (store) => store.write(eventWrite(`r${runs}`, 2)),
};

for (const part of [
  'table run',
  'index sqlite_autoindex_run_1 of run',
  'index event_by_run of event',
]) {
  test(`a store without the first page of its ${part} is not opened, and both that and its verification name it`, async () => {
    await inDirectory(async (directory) => {
      await zeroPage(directory, part, 'first');
      for (const use of [openSqliteStore, verifySqliteStore]) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        assertNames(await assertUnavailable(use({ directory }), 'corrupt'), part);
      }
    });
  });
}

for (const [part, use] of Object.entries(findings)) {
  test(`a store that finds its ${part} damaged takes nothing more, and says so when it is checked`, async () => {
    await inDirectory(async (directory) => {
      await zeroPage(directory, part, 'last');
      const store = await openSqliteStore({ directory });
      await assertUnavailable(use(store.runs), 'corrupt');
      const refused = [
        store.check(),
        store.runs.create(newRun('new'), bytesOf('')),
        store.runs.write(entryWrite('r1', bytesOf(''))),
        store.runs.addSignal('r1', { name: 's', payload: bytesOf('') }, { signalsMax: 1 }),
      ];
      for (const refusal of refused) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        assert.match(await assertUnavailable(refusal, 'corrupt'), /restore a backup/);
      }
      await store.close();
      assertNames(await assertUnavailable(verifySqliteStore({ directory }), 'corrupt'), part);
    });
  });
}

test('a page of the entries of a few runs is missed by those, and by their removal, alone', async () => {
  await inDirectory(async (directory) => {
    await zeroPage(directory, 'table entry', 'second');
    const store = await openSqliteStore({ directory });
    const found = await Promise.allSettled(numbers.map((number) => store.runs.read(`r${number}`)));
    const missed = numbers.filter((_, index) => found[index]?.status === 'rejected');
    assert.ok(missed.length > 0 && missed.length < runs / 10, `${missed.length} of ${runs}`);
    // The damaged ones are the oldest that are finished, and nothing of the others stays for that; half of all go on.
    const others = numbers.slice(0, runs / 2).filter((number) => !missed.includes(number));
    const finished = [...missed, ...others];
    for (const [index, number] of finished.entries()) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await store.runs.write(finishWrite(`r${number}`, index));
    }
    const old = { runsFinishedBeforeMs: runs, eventsFinishedBeforeMs: runs, runsMax: 7 };
    let kept: Awaited<ReturnType<RunStore['retain']>>;
    do {
      kept = await store.runs.retain(old); // oxlint-disable-line no-await-in-loop -- until all are gone
    } while (kept.runs + kept.events > 0);
    const { damaged = 0 } = kept;
    // To remove what is beside the page touches it too.
    assert.ok(damaged >= missed.length && damaged < missed.length * 2, `${damaged} are damaged`);
    const listed = await store.runs.list('acme', { limit: runs });
    assert.equal(listed.length, runs - finished.length + damaged);
    await store.check();
    await store.runs.create(newRun('new'), bytesOf(''));
    await store.runs.write(entryWrite('new', bytesOf('goes on')));
    await store.close();
  });
});

test('an index that misses rows is named by a verification, and SQLite makes it anew', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'journal.db');
    await copyFile(join(filled, 'journal.db'), path);
    loseRow(path);
    const message = await assertUnavailable(verifySqliteStore({ directory }), 'corrupt');
    assert.match(
      message,
      /row \d+ missing from index entry_by_run.*; stop the host, let SQLite .*`REINDEX`/,
    );
    using database = new DatabaseSync(path);
    database.exec('REINDEX');
    await verifySqliteStore({ directory });
  });
});

/** From an index, and not from its table. */
function loseRow(path: string): void {
  using database = new DatabaseSync(path, { defensive: false });
  const sql = database.prepare("SELECT sql FROM sqlite_schema WHERE name = 'entry_by_run'").get();
  database.exec(
    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = sql || ' WHERE id > 1' WHERE name = 'entry_by_run'",
  );
  database.exec(
    'PRAGMA writable_schema = RESET; REINDEX entry_by_run; PRAGMA writable_schema = ON',
  );
  database
    .prepare("UPDATE sqlite_schema SET sql = ? WHERE name = 'entry_by_run'")
    .run(String(sql?.['sql']));
  database.exec('PRAGMA writable_schema = RESET');
}

function eventWrite(runId: string, sequence: number): RunWrite {
  const events = { firstSequence: sequence, lastSequence: sequence, payload: bytesOf('event') };
  return { ...entryWrite(runId, bytesOf('entry '.repeat(20))), events };
}

/** Closed, with all of it in the file. */
async function fillStore(): Promise<void> {
  const store = await openSqliteStore({ directory: filled });
  await Promise.all(
    numbers.map(async (number) => {
      await store.runs.create(newRun(`r${number}`), bytesOf('input'));
      await store.runs.write(eventWrite(`r${number}`, 1));
    }),
  );
  await store.close();
}

/** Of a copy of the store: a page of a table or an index, by what a message calls it. */
async function zeroPage(
  directory: string,
  part: string,
  which: 'first' | 'second' | 'last',
): Promise<void> {
  const path = join(directory, 'journal.db');
  await copyFile(join(filled, 'journal.db'), path);
  const page = findPage(path, part.split(' ')[1] ?? '', which);
  await using file = await open(path, 'r+');
  await file.write(new Uint8Array(pageBytes), 0, pageBytes, (page - 1) * pageBytes);
}

function findPage(path: string, name: string, which: 'first' | 'second' | 'last'): number {
  using database = new DatabaseSync(path, { readOnly: true });
  const pages = database
    .prepare('SELECT pageno FROM dbstat WHERE name = ? ORDER BY path')
    .all(name)
    .map(({ pageno }) => Number(pageno));
  const page = { first: pages[0], second: pages[2], last: pages.at(-1) }[which];
  assert.ok(page !== undefined && (which === 'first' || pages.length > 2), name);
  return page;
}

function assertNames(message: string, part: string): void {
  assert.ok(message.includes(`: the database is damaged, pages are missing of ${part}; `), message);
}

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HostError } from '@modelhost/kernel';
import {
  assertUnavailable,
  bytesOf,
  entryWrite,
  finishWrite,
  inDirectory,
  inStore,
  newRun,
} from './fixtures/store-directory.ts';
import { openSqliteStore } from './open-store.ts';

const pageBytes = 4_096;

const writeProcess = fileURLToPath(new URL('fixtures/write-process.ts', import.meta.url));

test('a directory that is open in this process is refused, and free again once it is closed', async () => {
  await inDirectory(async (directory) => {
    const store = await openSqliteStore({ directory });
    const message = await assertUnavailable(openSqliteStore({ directory }), 'locked');
    assert.ok(message.startsWith(`${directory}: `));
    await store.check();
    await store.close();
    await (await openSqliteStore({ directory })).close();
  });
});

test('a directory that another process has open is refused until that is killed', async () => {
  await inDirectory(async (directory) => {
    const child = spawn(process.execPath, [writeProcess, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.stdout.resume();
    await assertUnavailable(openSqliteStore({ directory }), 'locked');
    child.kill('SIGKILL');
    await once(child, 'close');
    await (await openSqliteStore({ directory })).close();
  });
});

test('a store whose lock was taken away writes nothing more once another is open', async () => {
  await inStore(async (store, directory) => {
    await store.runs.create(newRun('a'), bytesOf(''));
    await rm(join(directory, 'lock.db'));
    const other = await openSqliteStore({ directory });
    await assertUnavailable(store.runs.write(entryWrite('a', bytesOf('late'))), 'fenced');
    await assertUnavailable(store.runs.create(newRun('b'), bytesOf('')), 'fenced');
    await assertUnavailable(store.check(), 'fenced');
    await other.runs.write(entryWrite('a', bytesOf('kept')));
    assert.equal((await other.runs.read('a'))?.entries.length, 1);
    await other.close();
  });
});

test('a check notices that the file was removed under an open store', async () => {
  await inStore(async (store, directory) => {
    await store.check();
    await rename(join(directory, 'journal.db'), join(directory, 'elsewhere.db'));
    const message = await assertUnavailable(store.check(), 'missing');
    assert.match(message, /journal\.db: was moved or removed .*put it back/);
    await rename(join(directory, 'elsewhere.db'), join(directory, 'journal.db'));
    await store.check();
  });
});

test('damaged pages are a typed fault of whatever reads them, and of nothing else', async () => {
  await inDirectory(async (directory) => {
    await fillStore(directory);
    const path = join(directory, 'journal.db');
    const { size } = await stat(path);
    // The schema stays, and the rows behind it do not.
    await overwrite(path, 40 * pageBytes, size - 40 * pageBytes);
    const store = await openSqliteStore({ directory });
    await assertUnavailable(store.runs.read('a'), 'corrupt');
    assert.equal(await store.runs.find('nobody'), undefined);
    await store.close();
  });
});

test('a full disk refuses a write as a whole, and takes the next one when there is room', async () => {
  const bounds = { fileBytesMax: 1_000_000 };
  await inStore(async (store) => {
    await store.runs.create(newRun('a'), bytesOf(''));
    await store.runs.create(newRun('b'), bytesOf(''));
    let kept = 0;
    const fill = async (): Promise<void> => {
      for (; kept < 100; kept += 1) {
        const filler = new Uint8Array(50_000).fill(kept);
        // oxlint-disable-next-line no-await-in-loop -- until it is full
        await store.runs.write({ ...entryWrite('a', filler), entries: [filler, filler] });
      }
    };
    const message = await assertUnavailable(fill(), 'disk_full');
    assert.match(message, /room/);
    assert.ok(kept > 3);
    assert.equal((await store.runs.read('a'))?.entries.length, kept * 2);
    await store.runs.write(finishWrite('a'));
    await store.runs.retain({ runsFinishedBeforeMs: 9, eventsFinishedBeforeMs: 9, runsMax: 1 });
    await store.runs.write(entryWrite('b', new Uint8Array(50_000)));
    assert.equal((await store.runs.read('b'))?.entries.length, 1);
  }, bounds);
});

test('what waits is bounded in bytes, and what is refused comes back with a time', async () => {
  const bounds = { queuedBytesMax: 100_000 };
  await inStore(async (store) => {
    await store.runs.create(newRun('a'), bytesOf(''));
    const entry = new Uint8Array(30_000);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => store.runs.write(entryWrite('a', entry))),
    );
    const refused = outcomes.flatMap((one): unknown[] =>
      one.status === 'rejected' ? [one.reason] : [],
    );
    assert.equal(refused.length, 7);
    for (const fault of refused) {
      assert.ok(fault instanceof HostError);
      assert.equal(fault.code, 'overloaded');
      assert.ok((fault.retryAfterMs ?? 0) > 0);
    }
    await store.runs.write(entryWrite('a', entry));
    assert.equal((await store.runs.read('a'))?.entries.length, 4);
  }, bounds);
});

test('large payloads are kept once for each content, and go with the last that has them', async () => {
  await inStore(async (store, directory) => {
    using database = new DatabaseSync(join(directory, 'journal.db'), { readOnly: true });
    const count = database.prepare('SELECT count(*) AS blobs, sum(uses) AS uses FROM blob_use');
    const blobs = database.prepare('SELECT count(*) AS blobs FROM blob');
    const counts = (): unknown[] => [
      ...Object.values(count.get() ?? {}),
      ...Object.values(blobs.get() ?? {}),
    ];
    const large = new Uint8Array(100_000).fill(1);
    const other = new Uint8Array(100_000).fill(2);
    const status = { state: 'running', finishedAtMs: undefined, status: large } as const;
    await store.runs.create({ ...newRun('a'), status: large }, large);
    await store.runs.create(newRun('b'), other);
    const events = { firstSequence: 1, lastSequence: 1, payload: large };
    await store.runs.write({ ...entryWrite('a', large), events, run: status });
    await store.runs.addSignal('a', { name: 's', payload: other }, { signalsMax: 1 });
    assert.deepEqual(counts(), [2, 6, 2]);
    await store.runs.dropEvents('a', 1);
    assert.deepEqual(counts(), [2, 5, 2]);
    await store.runs.write(finishWrite('a'));
    assert.deepEqual(counts(), [2, 4, 2]);
    await store.runs.retain({ runsFinishedBeforeMs: 9, eventsFinishedBeforeMs: 0, runsMax: 1 });
    assert.deepEqual(counts(), [1, 1, 1]);
  });
});

test('a removed run leaves no row, however many it had', async () => {
  await inStore(async (store, directory) => {
    await store.runs.create(newRun('a'), bytesOf(''));
    const entries = Array.from({ length: 5 }, () => bytesOf('entry'));
    const writes = Array.from({ length: 100 }, (_, index) => {
      const events = { firstSequence: index + 1, lastSequence: index + 1, payload: bytesOf('') };
      return store.runs.write({ runId: 'a', entries, events, run: undefined });
    });
    await Promise.all(writes);
    await store.runs.write(finishWrite('a'));
    await store.runs.retain({ runsFinishedBeforeMs: 9, eventsFinishedBeforeMs: 9, runsMax: 1 });
    using database = new DatabaseSync(join(directory, 'journal.db'), { readOnly: true });
    for (const table of ['run', 'run_tail', 'run_input', 'entry', 'event', 'removed_run']) {
      const row = database.prepare(`SELECT count(*) AS rows FROM ${table}`).get();
      assert.equal(row?.['rows'], 0, table);
    }
  });
});

test('what compaction gives back is gone from the file, and nothing else is', async () => {
  await inStore(async (store, directory) => {
    await store.runs.create(newRun('a'), bytesOf(''));
    await store.runs.create(newRun('b'), bytesOf(''));
    const entries = Array.from({ length: 40 }, (_, index) => new Uint8Array(60_000).fill(index));
    await Promise.all(entries.map((entry) => store.runs.write(entryWrite('a', entry))));
    await store.runs.write(entryWrite('b', bytesOf('stays')));
    await store.runs.write(finishWrite('a'));
    await store.runs.retain({ runsFinishedBeforeMs: 9, eventsFinishedBeforeMs: 9, runsMax: 1 });
    await store.compact();
    const sizes = await Promise.all(
      ['journal.db', 'journal.db-wal'].map(
        async (name) => (await stat(join(directory, name))).size,
      ),
    );
    assert.ok((sizes[0] ?? 0) < 300_000, `${sizes[0]} bytes`);
    assert.equal(sizes[1], 0);
    assert.equal((await store.runs.read('b'))?.entries.length, 1);
  });
});

/** A closed store with one run of many entries. */
async function fillStore(directory: string): Promise<void> {
  const store = await openSqliteStore({ directory });
  await store.runs.create(newRun('a'), bytesOf('input'));
  const entries = Array.from({ length: 100 }, (_, index) => bytesOf(`${index} `.repeat(1_000)));
  await Promise.all(entries.map((entry) => store.runs.write(entryWrite('a', entry))));
  await store.close();
}

async function overwrite(path: string, position: number, length: number): Promise<void> {
  await using file = await open(path, 'r+');
  await file.write(new Uint8Array(length).fill(0xa5), 0, length, position);
}

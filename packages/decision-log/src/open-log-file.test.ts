import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startMs } from './fixtures/entries.ts';
import { inLogDirectory } from './fixtures/log-directory.ts';
import type { LogFile, RowQuery, SealedRow } from './log-file.ts';
import { openLogFile } from './open-log-file.ts';

const retention = { sinceMs: 0, entriesMax: 100_000 };
const everything: RowQuery = {
  filter: {},
  order: 'oldest',
  after: undefined,
  idMax: undefined,
  rowsMax: 100_000,
};

/** Bytes that say which row they are of, and do not repeat. */
function bytesOf(subject: string, index: number, length: number): Buffer {
  const parts = Array.from({ length: Math.ceil(length / 32) }, (_, part) =>
    createHash('sha256').update(`${subject}/${index}/${part}`).digest(),
  );
  return Buffer.concat(parts).subarray(0, length);
}

function rowOf(subject: string, index: number): SealedRow {
  return {
    timeMs: startMs + index,
    tenant: 'acme',
    subject: createHash('sha256').update(subject).digest('hex'),
    action: 'CallTool',
    resource: 'mail__send',
    effect: 'allow',
    rules: '["rule"]',
    policyDigest: 'policy-1',
    keyId: 'test',
    // Several on a page; one with pages of its own.
    sealed: bytesOf(subject, index, index === 996 ? 9_000 : 100 + ((index * 97) % 1_900)),
  };
}

function insert(file: LogFile, rows: readonly SealedRow[]): void {
  for (let at = 0; at < rows.length; at += 64) {
    file.answer({ kind: 'insert', rows: rows.slice(at, at + 64), retention });
  }
}

function traces(raw: Buffer, rows: readonly SealedRow[]): number {
  const text = raw.toString('latin1');
  const needles = rows.flatMap(({ subject, sealed }) => {
    const bytes = Buffer.from(sealed).toString('latin1');
    return [subject, bytes.slice(0, 16), bytes.slice(bytes.length / 2).slice(0, 16)];
  });
  return needles.filter((needle) => text.includes(needle)).length;
}

/** Rows of many subjects, so that pages split and are joined again. */
const mixedRows = Array.from({ length: 200 }, (_, index) =>
  rowOf(`s-${(index * 7_919) % 40}`, (index * 31) % 996),
);
const isOf =
  (subject: string) =>
  (row: SealedRow): boolean =>
    row.subject === rowOf(subject, 0).subject;

test('an erased subject leaves no bytes behind, in the file or its write-ahead log', async () => {
  await inLogDirectory(async ({ path, bytes }) => {
    const file = openLogFile(path);
    insert(file, mixedRows);
    let kept: readonly SealedRow[] = mixedRows;
    // Of one of these, s-6, a page keeps a copy when what is removed is only overwritten.
    for (const subject of ['s-0', 's-1', 's-2', 's-3', 's-4', 's-5', 's-6', 'late']) {
      if (subject === 'late') insert(file, [rowOf(subject, 996)]);
      const erased = [...mixedRows, rowOf('late', 996)].filter(isOf(subject));
      kept = kept.filter((row) => !erased.includes(row));
      assert.equal(traces(await bytes(), erased), erased.length * 3);
      const answer = file.answer({ kind: 'erase', subject: rowOf(subject, 0).subject });
      assert.deepEqual([answer.removed, answer.entries], [erased.length, kept.length]);
      assert.equal(traces(await bytes(), erased), 0);
    }
    const { rows } = file.answer({ kind: 'read', query: everything });
    assert.deepEqual(
      rows.map(({ sealed }) => Buffer.from(sealed)),
      kept.toSorted((one, later) => one.timeMs - later.timeMs).map(({ sealed }) => sealed),
    );
    file.close();
  });
});

test('an erasure that was cut short is finished when the file is opened again', async () => {
  await inLogDirectory(async ({ path, bytes }) => {
    const file = openLogFile(path);
    insert(file, mixedRows);
    file.close();
    // What is on disk when the process ends after the rows are removed, and before the file is written anew.
    const database = new DatabaseSync(path);
    const erased = mixedRows.filter(isOf('s-13'));
    database.prepare('DELETE FROM decision WHERE subject = ?').run(erased[0]?.subject ?? '');
    database.exec('INSERT INTO rewrite_due (id) VALUES (1)');
    database.close();
    assert.ok(traces(await bytes(), erased) > 0);
    openLogFile(path).close();
    assert.equal(traces(await bytes(), erased), 0);
  });
});

test('the id of a removed row is not given again', async () => {
  await inLogDirectory(async ({ path }) => {
    const file = openLogFile(path);
    insert(file, [rowOf('ann', 0), rowOf('bob', 1)]);
    assert.equal(file.answer({ kind: 'erase', subject: rowOf('bob', 1).subject }).lastId, 2);
    insert(file, [rowOf('eve', 2)]);
    const { rows, lastId } = file.answer({ kind: 'read', query: everything });
    assert.deepEqual(
      rows.map(({ id }) => id),
      [1, 3],
    );
    assert.equal(lastId, 3);
    file.close();
  });
});

test('a retention that became shorter is reached in bounded steps', async () => {
  await inLogDirectory(async ({ path }) => {
    const file = openLogFile(path);
    const rows = Array.from({ length: 700 }, (_, index) => rowOf('ann', index));
    insert(file, rows);
    const short = { sinceMs: startMs + 10, entriesMax: 40 };
    const first = file.answer({ kind: 'insert', rows: [rowOf('ann', 2_000)], retention: short });
    assert.deepEqual([first.removed, first.entries], [257, rows.length + 1 - 257]);
    assert.equal(file.answer({ kind: 'trim', retention: short }).entries, 40);
    const left = file.answer({ kind: 'read', query: everything }).rows;
    assert.deepEqual(
      left.map(({ timeMs }) => timeMs - startMs),
      [...Array.from({ length: 39 }, (_, index) => 661 + index), 2_000],
    );
    file.close();
  });
});

test('a file of a newer host is refused, and left as it is', async () => {
  await inLogDirectory(async ({ path }) => {
    openLogFile(path).close();
    const database = new DatabaseSync(path);
    database.exec('PRAGMA user_version = 99');
    database.close();
    const before = await readFile(path);
    assert.throws(() => openLogFile(path), {
      code: 'storage_unavailable',
      message: `${path}: was written by a newer host (version 99, this host knows 1); start the newer host, or move the file away to begin a new log`,
    });
    assert.deepEqual(await readFile(path), before);
  });
});

test('a database of something else is refused, and left as it is', async () => {
  await inLogDirectory(async ({ path }) => {
    const database = new DatabaseSync(path);
    database.exec('CREATE TABLE other (id INTEGER) STRICT');
    database.close();
    const before = await readFile(path);
    assert.throws(() => openLogFile(path), {
      code: 'storage_unavailable',
      message: `${path}: is a database of something else; move it away, or give the host another data directory`,
    });
    assert.deepEqual(await readFile(path), before);
  });
});

test('a damaged file is refused with the way to a new one', async () => {
  await inLogDirectory(async ({ path, directory }) => {
    const file = openLogFile(path);
    insert(file, mixedRows.slice(0, 50));
    file.close();
    const sound = await readFile(path);
    const damages = [
      Buffer.from('no database at all'),
      sound.subarray(0, 5_000),
      Buffer.concat([sound.subarray(0, 100), Buffer.alloc(sound.length - 100, 0xa5)]),
    ];
    for (const damage of damages) {
      await writeFile(path, damage);
      await rm(`${path}-wal`, { force: true });
      assert.throws(() => openLogFile(path), {
        code: 'storage_unavailable',
        message: `${path}: the decision log is damaged; move it away together with its -wal file, and run \`model-host storage accept-loss decisions\` to begin a new one`,
      });
    }
    await rm(path);
    openLogFile(join(directory, 'decisions.db')).close();
  });
});

test('a place that cannot be written is refused', async () => {
  await inLogDirectory(async ({ path, directory }) => {
    await mkdir(join(directory, 'taken.db'));
    await writeFile(join(directory, 'file'), '');
    const sound = openLogFile(path);
    sound.close();
    const bytes = await readFile(path);
    // SQLite takes a file that says so for one to be read only, whoever asks.
    bytes[18] = 3;
    const readOnly = join(directory, 'read-only.db');
    await writeFile(readOnly, bytes);
    for (const place of [join(directory, 'taken.db'), join(directory, 'file', 'a.db'), readOnly]) {
      assert.throws(() => openLogFile(place), {
        code: 'storage_unavailable',
        message: `${place}: the decision log cannot be written here; give the host a data directory that it may write`,
      });
    }
  });
});

test('a file is open once: in this process, and in all others', async () => {
  await inLogDirectory(async ({ path }) => {
    const file = openLogFile(path);
    const message = `${path}: another process writes this decision log; stop it, or give this host its own data directory`;
    const facts = { reason: 'locked' };
    assert.throws(() => openLogFile(path), { code: 'storage_unavailable', message, facts });
    const module = fileURLToPath(new URL('open-log-file.ts', import.meta.url));
    const script = `import { openLogFile } from ${JSON.stringify(module)};
      try { openLogFile(process.argv[1]); } catch (error) { console.log(error.message); }`;
    const other = spawnSync(process.execPath, ['--input-type=module', '-e', script, path], {
      encoding: 'utf8',
    });
    assert.equal(other.stdout, `${message}\n`);
    insert(file, [rowOf('ann', 0)]);
    file.close();
    openLogFile(path).close();
  });
});

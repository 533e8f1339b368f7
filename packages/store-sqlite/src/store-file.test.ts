import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertUnavailable, inDirectory } from './fixtures/store-directory.ts';
import { readMigrations } from './migrate.ts';
import { openReaderFile, openWriterFile } from './store-file.ts';
import type { WriterFile } from './store-file.ts';

const readOnlyProcess = fileURLToPath(new URL('fixtures/read-only-process.ts', import.meta.url));

test('only the last part of a directory is made, and files are for their owner alone', async () => {
  await inDirectory(async (directory) => {
    const place = join(directory, 'runs');
    const message = await assertUnavailable(opening(join(place, 'deeper')), 'missing');
    assert.match(message, /deeper: .*create it/);
    const file = await opening(place);
    const names = ['.', 'journal.db', 'journal.db-wal', 'journal.db-shm', 'lock.db'];
    const modes = await Promise.all(
      names.map(async (name) => (await stat(join(place, name))).mode),
    );
    assert.deepEqual(
      modes.map((mode) => mode & 0o777),
      [0o700, 0o600, 0o600, 0o600, 0o600],
    );
    file.close();
  });
});

test('each opening raises the epoch, and only one has the directory', async () => {
  await inDirectory(async (directory) => {
    const first = await opening(directory);
    const message = await assertUnavailable(opening(directory), 'locked');
    assert.ok(message.startsWith(`${directory}: another host`));
    first.close();
    const second = await opening(directory);
    assert.equal(second.epoch, first.epoch + 1);
    second.close();
  });
});

test('whatever was written into the file of the lock, it keeps others out again', async () => {
  await inDirectory(async (directory) => {
    await writeFile(join(directory, 'lock.db'), 'something else '.repeat(100));
    const file = await opening(directory);
    assert.equal((await stat(join(directory, 'lock.db'))).size, 0);
    await writeFile(join(directory, 'lock.db'), 'again while it is held '.repeat(100));
    await assertUnavailable(opening(directory), 'locked');
    file.close();
    (await opening(directory)).close();
  });
});

test('a place that is a file is refused, and so is a database that is a directory', async () => {
  await inDirectory(async (directory) => {
    const place = join(directory, 'file');
    await writeFile(place, 'text');
    await assertUnavailable(opening(place), 'missing');
    assert.equal(await readFile(place, 'utf8'), 'text');
    await mkdir(join(directory, 'journal.db'));
    await assertUnavailable(opening(directory), 'read_only');
  });
});

test('a damaged header and a file that was cut off are refused, and left as they are', async () => {
  const damages: readonly ((file: FileHandle) => Promise<unknown>)[] = [
    (file) => file.write(new Uint8Array(100).fill(0xa5), 0, 100, 0),
    (file) => file.truncate(3 * 4_096),
  ];
  for (const damage of damages) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await inDirectory(async (directory) => {
      (await opening(directory)).close();
      const path = join(directory, 'journal.db');
      await using file = await open(path, 'r+');
      await damage(file);
      const before = await readFile(path);
      const message = await assertUnavailable(opening(directory), 'corrupt');
      assert.match(message, /journal\.db: .*restore a backup/);
      assert.ok(before.equals(await readFile(path)));
    });
  }
});

test('a database of something else, a newer host or other migrations is left as it is', async () => {
  for (const [statement, reason] of [
    ['PRAGMA application_id = 5', 'foreign'],
    ['PRAGMA user_version = 99', 'newer'],
    ["UPDATE migration SET sha256 = 'x' WHERE number = 2", 'altered'],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await inDirectory(async (directory) => {
      (await opening(directory)).close();
      const path = join(directory, 'journal.db');
      const database = new DatabaseSync(path);
      database.exec(statement);
      database.close();
      const before = await readFile(path);
      await assertUnavailable(opening(directory), reason);
      assert.ok(before.equals(await readFile(path)));
    });
  }
});

test('a directory and a file that may not be written are refused, taken once they may, and read in any case', async () => {
  await inDirectory(async (directory) => {
    const child = spawn(process.execPath, [readOnlyProcess, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [outcomes] = await Promise.all([text(child.stdout), once(child, 'close')]);
    assert.equal(outcomes.trim(), 'read_only, written, read_only, written, epoch 2, read_only');
  });
});

test('what a commit returns from is on the disk, and freed pages can be given back', async () => {
  await inDirectory(async (directory) => {
    const file = await opening(directory);
    const valueOf = (name: string): unknown =>
      file.database.prepare(`PRAGMA ${name}`).get()?.[name];
    const full = 2;
    const incremental = 2;
    assert.equal(valueOf('journal_mode'), 'wal');
    assert.equal(valueOf('synchronous'), full);
    assert.equal(valueOf('auto_vacuum'), incremental);
    assert.equal(valueOf('wal_autocheckpoint'), 0);
    file.close();
  });
});

test('who reads cannot write', async () => {
  await inDirectory(async (directory) => {
    const file = await opening(directory);
    using reader = openReaderFile(directory);
    assert.throws(() => reader.exec('DELETE FROM owner'), /readonly/);
    file.close();
  });
});

async function opening(directory: string): Promise<WriterFile> {
  return openWriterFile(directory, { fileBytesMax: 1e9, migrations: readMigrations() });
}

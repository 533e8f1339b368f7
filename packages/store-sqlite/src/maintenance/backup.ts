import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync, backup } from 'node:sqlite';
import { storageFault, toStorageFault } from '../fault.ts';
import { databaseName, openReaderFile } from '../store-file.ts';
import { verifyDatabase } from './verify.ts';

/** Pages that are copied before others get their turn. */
const pagesPerStep = 1_000;

/**
 * Copies the database of a directory, as it is now, into one new file of mode 0600, also while a host writes it; then reads
 * the copy through. There is no file under the name before that is done.
 */
export async function backUpDirectory(directory: string, path: string): Promise<void> {
  if (existsSync(path)) {
    throw storageFault('not_empty', `${path}: exists; name a file that does not`);
  }
  const part = `${path}.part`;
  const sourcePath = join(directory, databaseName);
  const source = openReaderFile(directory);
  try {
    rmSync(part, { force: true });
    closeSync(openSync(part, 'wx', 0o600));
    // One snapshot, however long it takes: without it, each write of the host would begin the copy again.
    source.exec('BEGIN');
    source.prepare('SELECT count(*) FROM sqlite_schema').get();
    await backup(source, part, { rate: pagesPerStep });
    source.exec('COMMIT');
    // What is wrong with the copy is wrong with what it is of.
    verifyCopy(part, sourcePath);
    renameSync(part, path);
    syncDirectory(dirname(path));
  } catch (thrown) {
    const fault = toStorageFault(thrown, path);
    throw fault.facts['reason'] === 'corrupt' ? toStorageFault(thrown, sourcePath) : fault;
  } finally {
    source.close();
    removePart(part);
  }
}

/** Reads a copy through that nobody else uses, and leaves it in one file. `place` is what the message names. */
export function verifyCopy(path: string, place: string): void {
  const copy = new DatabaseSync(path);
  try {
    verifyDatabase(copy, place);
  } finally {
    copy.close();
  }
}

/** With what SQLite may have left beside it. */
export function removePart(part: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(part + suffix, { force: true });
}

/** So that a name outlasts a loss of power. Windows has no such call, and needs none. */
export function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

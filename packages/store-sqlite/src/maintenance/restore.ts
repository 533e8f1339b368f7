import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
} from 'node:fs';
import { join } from 'node:path';
import { storageFault, toStorageFault } from '../fault.ts';
import { databaseName, lockName, makeDirectory, takeLock } from '../store-file.ts';
import { removePart, syncDirectory, verifyCopy } from './backup.ts';

/** Copies a backup into an empty or new directory, and reads the copy through before it gets its name. */
export function restoreDirectory(from: string, directory: string): void {
  makeDirectory(directory);
  refuseNonEmpty(directory);
  const lock = takeLock(directory);
  const part = join(directory, `${databaseName}.part`);
  try {
    copyDurably(from, part);
    verifyCopy(part, from);
    renameSync(part, join(directory, databaseName));
    syncDirectory(directory);
  } catch (thrown) {
    const fault = toStorageFault(thrown, from);
    // The backup is only read: what cannot be written is the directory.
    throw unwritable.has(fault.facts['reason']) ? toStorageFault(thrown, directory) : fault;
  } finally {
    removePart(part);
    lock.close();
  }
}

const unwritable: ReadonlySet<string | undefined> = new Set(['disk_full', 'read_only']);

function refuseNonEmpty(directory: string): void {
  try {
    // What a restoration that failed leaves behind is no store.
    const [file] = readdirSync(directory).filter((name) => name !== lockName);
    if (file === undefined) return;
    throw storageFault(
      'not_empty',
      `${directory}: has ${file} in it; restore into an empty directory`,
    );
  } catch (thrown) {
    throw toStorageFault(thrown, directory);
  }
}

function copyDurably(from: string, to: string): void {
  copyFileSync(from, to, constants.COPYFILE_EXCL);
  chmodSync(to, 0o600);
  const handle = openSync(to, 'r+');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

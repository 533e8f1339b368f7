import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { HostError } from '@modelhost/kernel';
import { storageFault, toStorageFault } from '../fault.ts';
import { databaseName, lockName, makeDirectory, partName, takeLock } from '../store-file.ts';
import { readMark } from '../store-mark.ts';
import type { StoreMark } from '../store-mark.ts';
import { removePart, syncDirectory, verifyCopy } from './backup.ts';

/**
 * Makes a store of the copy of a backup that `copy` puts beside where the database will be, once it is on record elsewhere how far that got.
 * Has the directory for itself from the beginning to the end, and leaves no store when it fails. Until it is done nobody takes the directory
 * for a store; what a restoration left that was killed is made anew.
 */
export async function restoreInto(
  directory: string,
  {
    copy,
    record,
  }: {
    readonly copy: () => Promise<void>;
    readonly record: (mark: StoreMark | undefined) => Promise<void>;
  },
): Promise<void> {
  makeDirectory(directory);
  refuseNonEmpty(directory);
  const lock = takeLock(directory);
  const part = join(directory, partName);
  try {
    await copy();
    await record(readMarkOf(part));
    renameSync(part, join(directory, databaseName));
    syncDirectory(directory);
  } catch (thrown) {
    throw toStorageFault(thrown, directory);
  } finally {
    removePart(part);
    lock.close();
  }
}

/** Copies a backup beside where the database will be, and reads the copy through. */
export function copyBackup(from: string, directory: string): void {
  const part = join(directory, partName);
  try {
    removePart(part);
    refuseDatabase(from);
    copyDurably(from, part);
    verifyCopy(part, from);
  } catch (thrown) {
    throw restoreFault(thrown, from, directory);
  }
}

function readMarkOf(path: string): StoreMark | undefined {
  const database = new DatabaseSync(path);
  try {
    return readMark(database);
  } finally {
    database.close();
  }
}

/** The backup is only read: what cannot be written is the directory. */
function restoreFault(thrown: unknown, from: string, directory: string): HostError {
  const fault = toStorageFault(thrown, from);
  const reason = fault.facts['reason'];
  if (unwritable.has(reason)) return toStorageFault(thrown, directory);
  if (reason !== 'corrupt') return fault;
  return storageFault(
    'corrupt',
    `${from}: this backup is damaged, or is none; restore another one`,
    fault.cause,
  );
}

const unwritable: ReadonlySet<string | undefined> = new Set(['disk_full', 'read_only']);

function refuseNonEmpty(directory: string): void {
  try {
    // What a restoration leaves behind that failed or was killed is no store.
    const [file] = readdirSync(directory).filter(
      (name) => !name.startsWith(lockName) && !name.startsWith(partName),
    );
    if (file === undefined) return;
    throw storageFault(
      'not_empty',
      `${directory}: has ${file} in it; restore into an empty directory`,
    );
  } catch (thrown) {
    throw toStorageFault(thrown, directory);
  }
}

/** Without its log it would be a sound database, of which nobody knows what it lacks. */
function refuseDatabase(from: string): void {
  const log = `${from}-wal`;
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  throw storageFault(
    'foreign',
    `${from}: is no backup but the database of a host, with its last writes in ${log}; make a backup of its directory with \`model-host storage backup\``,
  );
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

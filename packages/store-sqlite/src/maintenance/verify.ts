import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { storageFault, toStorageFault } from '../fault.ts';
import { checkMigrations, readMigrations } from '../migrate.ts';
import { databaseName, openReaderFile } from '../store-file.ts';
import { checkMark, readMark } from '../store-mark.ts';
import type { KnownMark } from '../store-mark.ts';
import { hasItsContent } from '../payload.ts';

/** Reads the whole database of a directory. Throws `storage_unavailable`: `corrupt` with the first problem as its cause. */
export function verifyDirectory(directory: string, known?: KnownMark): void {
  const database = openReaderFile(directory);
  try {
    verifyDatabase(database, directory);
    if (known !== undefined) checkMark(readMark(database), join(directory, databaseName), known);
  } finally {
    database.close();
  }
}

/** Whether it is ours, of a version that this host knows, and sound. `place` is what the message names. */
export function verifyDatabase(database: DatabaseSync, place: string): void {
  try {
    if (checkMigrations(database, place, readMigrations()) === 0) {
      throw storageFault('foreign', `${place}: has no tables of a store; name another file`);
    }
    checkStructure(database);
    checkBlobs(database);
  } catch (thrown) {
    throw toStorageFault(thrown, place);
  }
}

function checkStructure(database: DatabaseSync): void {
  const problem = database.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'];
  if (problem !== 'ok') throw damaged(String(problem));
}

function checkBlobs(database: DatabaseSync): void {
  for (const row of database.prepare('SELECT id, digest, bytes FROM blob').iterate()) {
    if (!hasItsContent(row)) throw damaged(`blob ${String(row['id'])} has not its digest`);
  }
}

/** As SQLite itself would throw it. */
function damaged(problem: string): Error {
  return Object.assign(new Error(problem), { errcode: 11 });
}

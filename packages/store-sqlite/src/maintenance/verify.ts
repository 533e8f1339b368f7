import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { refuseDamaged } from '../damaged-parts.ts';
import { storageFault, toStorageFault } from '../fault.ts';
import { checkMigrations, readMigrations } from '../migrate.ts';
import { databaseName, openReaderFile } from '../store-file.ts';
import { checkMark, readMark } from '../store-mark.ts';
import type { KnownMark } from '../store-mark.ts';
import { hasItsContent } from '../payload.ts';
import { findMissing } from './missing.ts';

/**
 * Reads the whole database of a directory. Throws `storage_unavailable`: `corrupt` with the first problem as its cause, or naming the parts
 * that are missing.
 */
export function verifyDirectory(directory: string, known?: KnownMark): void {
  const database = openReaderFile(directory);
  try {
    verifyDatabase(database, directory);
    refuseMissing(database, join(directory, databaseName));
    if (known !== undefined) checkMark(readMark(database), join(directory, databaseName), known);
  } finally {
    database.close();
  }
}

/** Whether it is ours, of a version that this host knows, and sound. `place` is what the message names. */
export function verifyDatabase(database: DatabaseSync, place: string): void {
  try {
    refuseDamaged(database, place);
    if (checkMigrations(database, place, readMigrations()) === 0) {
      throw storageFault('foreign', `${place}: has no tables of a store; name another file`);
    }
    checkBlobs(database);
  } catch (thrown) {
    throw toStorageFault(thrown, place);
  }
}

/** A copy is taken of what is there, and says nothing of it. */
function refuseMissing(database: DatabaseSync, path: string): void {
  const missing = findMissing(database);
  if (missing.length === 0) return;
  throw storageFault(
    'corrupt',
    `${path}: what was written is not all there: ${missing.join(', ')}. Restore a backup, or go on without`,
  );
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

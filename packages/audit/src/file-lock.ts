import { DatabaseSync } from 'node:sqlite';
import { HostError } from '@modelhost/kernel';

/** A lock that keeps other processes, and other openings of this one, from writing. */
export interface FileLock {
  release(): void;
}

/**
 * Takes the lock of the system on a file that stays empty: SQLite's, since Node offers no other. It ends with its
 * process, however that ends, so there is no stale lock, whatever process ids come back (in a container it is always
 * the same). Throws `audit_unavailable` while another holds it.
 */
export function lockFile(path: string): FileLock {
  const database = openDatabase(path);
  if (tryBegin(database)) return { release: () => database.close() };
  database.close();
  throw new HostError(
    'audit_unavailable',
    `${path}: another process writes this audit file; stop it, or give this host its own data directory`,
  );
}

/** Whether somebody holds the lock; false when there is no lock file to be asked. */
export function isLocked(path: string): boolean {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path, { readOnly: true });
  } catch {
    // Nobody ever locked it, or it may not be read.
    return false;
  }
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch {
    return true;
  } finally {
    database.close();
  }
}

function openDatabase(path: string): DatabaseSync {
  try {
    // A verification looks at the lock for an instant; a start waits for that long.
    return new DatabaseSync(path, { timeout: 500 });
  } catch (cause) {
    throw new HostError('audit_unavailable', `${path}: the lock cannot be written`, { cause });
  }
}

function tryBegin(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch {
    return false;
  }
}

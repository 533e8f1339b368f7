import { truncateSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { HostError } from '@modelhost/kernel';

/** A lock that keeps other processes, and other openings of this one, from writing. */
export interface FileLock {
  release(): void;
}

/**
 * Takes the lock of the system on a file that stays empty: SQLite's, since Node offers no other. It ends with its
 * process, however that ends, so there is no stale lock, whatever process ids come back (in a container it is always
 * the same). Throws `audit_unavailable`: with the fact `reason` as `locked` while another holds it, and with a cause when it
 * cannot be written.
 */
export function lockFile(path: string): FileLock {
  let database: DatabaseSync;
  try {
    database = begin(path);
  } catch (cause) {
    if (codeOf(cause) === busy) throw locked(path, cause);
    database = codeOf(cause) === notDatabase ? beginAnew(path) : unavailable(path, cause);
  }
  return { release: () => database.close() };
}

function begin(path: string): DatabaseSync {
  // A verification looks at the lock for an instant; a start waits for that long.
  const database = new DatabaseSync(path, { timeout: 500 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}

/** Something was written into the file. Nobody has its lock, or that would have been the answer; and nothing is in it that is missed. */
function beginAnew(path: string): DatabaseSync {
  try {
    truncateSync(path);
    return begin(path);
  } catch (cause) {
    return unavailable(path, cause);
  }
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

/** SQLite's codes for what another has locked, and for a file that is something else. */
const busy = 5;
const notDatabase = 26;

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && 'errcode' in cause ? cause.errcode : undefined;
}

function locked(path: string, cause: unknown): HostError {
  return new HostError(
    'audit_unavailable',
    `${path}: another process writes this audit file; stop it, or give this host its own data directory`,
    { cause, facts: { reason: 'locked' } },
  );
}

function unavailable(path: string, cause: unknown): never {
  throw new HostError('audit_unavailable', `${path}: the lock cannot be written`, { cause });
}

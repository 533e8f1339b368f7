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
  let database: DatabaseSync | undefined;
  try {
    // A verification looks at the lock for an instant; a start waits for that long.
    database = new DatabaseSync(path, { timeout: 500 });
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    throw isBusy(cause) ? locked(path, cause) : unavailable(path, cause);
  }
  const held = database;
  return { release: () => held.close() };
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

/** SQLite's code for what another has locked. */
const busy = 5;

function isBusy(cause: unknown): boolean {
  return cause instanceof Error && 'errcode' in cause && cause.errcode === busy;
}

function locked(path: string, cause: unknown): HostError {
  return new HostError(
    'audit_unavailable',
    `${path}: another process writes this audit file; stop it, or give this host its own data directory`,
    { cause, facts: { reason: 'locked' } },
  );
}

function unavailable(path: string, cause: unknown): HostError {
  return new HostError('audit_unavailable', `${path}: the lock cannot be written`, { cause });
}

import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { HostError } from '@modelhost/kernel';
import { fixedBounds } from './bounds.ts';
import { refuseBroken } from './damaged-parts.ts';
import { storageFault, toStorageFault } from './fault.ts';
import { checkMigrations, migrate } from './migrate.ts';
import type { Migration } from './migrate.ts';
import { checkMark, lost, readMark } from './store-mark.ts';
import type { KnownMark, StoreMark } from './store-mark.ts';

/** Name of the database in its directory. */
export const databaseName = 'journal.db';

/** Name of a copy of a backup, before it is the database. */
export const partName = 'journal.db.part';

/** Name of the file that stays empty and is locked. */
export const lockName = 'lock.db';

/** The database as its one writer has it. */
export interface WriterFile {
  readonly database: DatabaseSync;
  readonly storeId: string;
  /** Raised by each opening. */
  readonly epoch: number;
  /** Throws when the file is no longer in its place: what is written to it would be lost. */
  checkPlace(): void;
  /** Lets go of the lock last. */
  close(): void;
}

/** What a database is opened with. */
export interface WriterFileOptions {
  readonly fileBytesMax: number;
  readonly migrations: readonly Migration[];
  /** A database that got less far, or is not there, is refused. */
  readonly known?: KnownMark | undefined;
}

/**
 * Opens or makes the database of a directory, files of mode 0600, and keeps everybody else from writing it until it is closed
 * or the process ends. Makes the directory where only its last part is missing. Throws `storage_unavailable` with the remedy.
 */
export function openWriterFile(directory: string, options: WriterFileOptions): WriterFile {
  const path = join(directory, databaseName);
  let lock: DatabaseSync | undefined;
  let database: DatabaseSync | undefined;
  const close = (): void => {
    database?.close();
    lock?.close();
  };
  try {
    makeDirectory(directory);
    lock = takeLock(directory);
    refuseLost(path, options.known);
    refuseUnfinished(directory);
    makeFile(path);
    // SQLite would open what it may not write for reading, and leave files beside it that nobody may write.
    accessSync(path, constants.R_OK | constants.W_OK);
    database = new DatabaseSync(path, { timeout: fixedBounds.busyTimeoutMs });
    database.enableDefensive(true);
    prepareDatabase(database, path, options);
    const { ino } = statSync(path);
    return {
      database,
      ...raiseEpoch(database),
      checkPlace: () => {
        // To look is allowed; to open it would let go of the locks.
        if (statSync(path, { throwIfNoEntry: false })?.ino !== ino) throw movedAway(path);
      },
      close,
    };
  } catch (thrown) {
    close();
    throw toStorageFault(thrown, path);
  }
}

/** Opens the database for reading only, also where nothing can be written. Throws `storage_unavailable` with the remedy. */
export function openReaderFile(directory: string): DatabaseSync {
  const path = join(directory, databaseName);
  refuseUnfinished(directory);
  // SQLite only says that it could not be opened.
  if (!existsSync(path)) {
    throw storageFault('missing', `${path}: is not there; name the directory of a store`);
  }
  try {
    return beginReading(path);
  } catch (thrown) {
    const fault = toStorageFault(thrown, path);
    if (fault.facts['reason'] !== 'read_only') throw fault;
    return beginReadingAsIs(path, fault);
  }
}

function beginReading(path: string | URL): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true, timeout: fixedBounds.busyTimeoutMs });
  try {
    database.enableDefensive(true);
    // SQLite opens no file before it is asked something.
    database.prepare('PRAGMA schema_version').get();
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** Beside a database with a log SQLite makes a file. Without one nobody writes the database, and nothing is needed beside it. */
function beginReadingAsIs(path: string, fault: HostError): DatabaseSync {
  if (existsSync(`${path}-wal`)) {
    throw storageFault(
      'read_only',
      `${path}: its last writes are in its -wal file, which can only be read where files can be made; copy the directory to such a place`,
      fault,
    );
  }
  const asIs = pathToFileURL(path);
  asIs.searchParams.set('immutable', '1');
  try {
    return beginReading(asIs);
  } catch {
    throw fault;
  }
}

/** Makes the last part of a path, if it is not there. */
export function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (thrown) {
    // One that is there already may still be a file: then the lock says so.
    if (!isExisting(thrown)) throw toStorageFault(thrown, directory);
  }
}

/**
 * SQLite's lock of a file that stays empty, since Node offers no other: until it is closed, or its process ends. Throws
 * `storage_unavailable` with reason `locked` while another has it.
 */
export function takeLock(directory: string): DatabaseSync {
  const path = join(directory, lockName);
  try {
    makeFile(path);
    return beginExclusive(path);
  } catch (thrown) {
    const fault = toStorageFault(thrown, path);
    const reason = fault.facts['reason'];
    if (reason === 'corrupt') return beginAnew(path);
    if (reason !== 'locked') throw fault;
    throw storageFault(
      'locked',
      `${directory}: another host uses this data directory; stop it, or give this host its own`,
      thrown,
    );
  }
}

function beginExclusive(path: string): DatabaseSync {
  const lock = new DatabaseSync(path);
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (thrown) {
    lock.close();
    throw thrown;
  }
}

/** Something was written into the file. Nobody has its lock, or that would have been the answer; and nothing is in it that is missed. */
function beginAnew(path: string): DatabaseSync {
  try {
    truncateSync(path);
    return beginExclusive(path);
  } catch (thrown) {
    throw toStorageFault(thrown, path);
  }
}

/** An existing file is not touched: closing it would let go of the locks that another opening of this process has on it. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (thrown) {
    if (!isExisting(thrown)) throw thrown;
  }
}

function isExisting(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST';
}

function movedAway(path: string): HostError {
  return storageFault(
    'missing',
    `${path}: was moved or removed while the host had it open; stop the host, put it back and start again`,
  );
}

/** What a restoration left that was killed is no store, and no reason to begin one. */
function refuseUnfinished(directory: string): void {
  if (existsSync(join(directory, databaseName))) return;
  const part = join(directory, partName);
  if (!existsSync(part)) return;
  throw storageFault(
    'missing',
    `${part}: a restoration into this directory did not finish; run \`model-host storage restore\` again, or move the directory away to begin without runs`,
  );
}

/** SQLite would make a new database of a file that is empty. */
function refuseLost(path: string, known: KnownMark | undefined): void {
  if (known === undefined) return;
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw lost(path, 'is missing', known);
  if (size === 0) throw lost(path, 'is empty', known);
}

function prepareDatabase(
  database: DatabaseSync,
  path: string,
  { fileBytesMax, migrations, known }: WriterFileOptions,
): void {
  // Before anything is changed: what is not ours, or not all there, stays as it is.
  refuseBroken(database, path);
  checkMigrations(database, path, migrations);
  if (known !== undefined) checkMark(readMark(database), path, known);
  // Both are written into a new file with its first page. The log is copied into the file after answers, not before.
  database.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL');
  database.exec(
    'PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864',
  );
  const pageSize = Number(database.prepare('PRAGMA page_size').get()?.['page_size']);
  database.exec(`PRAGMA max_page_count = ${Math.ceil(fileBytesMax / pageSize)}`);
  migrate(database, path, migrations);
}

function raiseEpoch(database: DatabaseSync): Pick<StoreMark, 'storeId' | 'epoch'> {
  database.exec('UPDATE owner SET epoch = epoch + 1 WHERE id = 1');
  const { storeId = '', epoch = 0 } = readMark(database) ?? {};
  return { storeId, epoch };
}

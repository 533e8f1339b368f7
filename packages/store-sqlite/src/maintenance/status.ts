import type { DatabaseSync } from 'node:sqlite';
import { toStorageFault } from '../fault.ts';
import { openReaderFile } from '../store-file.ts';
import { readMark } from '../store-mark.ts';
import type { StoreMark } from '../store-mark.ts';

/** What lies in a store, in numbers. */
export interface StoreStatus {
  readonly runs: { readonly running: number; readonly waiting: number; readonly finished: number };
  readonly sessions: number;
  /** Rows of events; each holds those of one write. */
  readonly eventWrites: number;
  /** Of the database, without its write-ahead log. */
  readonly fileBytes: number;
  /** Of those, what a compaction gives back. */
  readonly freeBytes: number;
  /** Of its tables: the number of the newest migration. */
  readonly version: number;
  /** How far it got; undefined before a host of today has opened it. */
  readonly mark: StoreMark | undefined;
}

/** Counts what is in the store of a directory, also while a host has it open. */
export function describeDirectory(directory: string): StoreStatus {
  const database = openReaderFile(directory);
  try {
    const runs = { running: 0, waiting: 0, finished: 0 };
    for (const row of database
      .prepare('SELECT state, count(*) AS runs FROM run GROUP BY state')
      .iterate()) {
      Object.assign(runs, { [String(row['state'])]: Number(row['runs']) });
    }
    const pageBytes = pragma(database, 'page_size');
    return {
      runs,
      sessions: count(database, 'session'),
      eventWrites: count(database, 'event'),
      fileBytes: pragma(database, 'page_count') * pageBytes,
      freeBytes: pragma(database, 'freelist_count') * pageBytes,
      version: pragma(database, 'user_version'),
      mark: readMark(database),
    };
  } catch (thrown) {
    throw toStorageFault(thrown, directory);
  } finally {
    database.close();
  }
}

function count(database: DatabaseSync, table: 'session' | 'event'): number {
  return Number(database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.['rows']);
}

function pragma(
  database: DatabaseSync,
  name: 'page_size' | 'page_count' | 'freelist_count' | 'user_version',
): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { storageFault } from './fault.ts';

/** One numbered change of the tables. Never altered once it was released. */
export interface Migration {
  /** Number and words: `0001-owner`. */
  readonly name: string;
  readonly sql: string;
}

/** Marks a database as ours: `MHst`. */
const applicationId = 0x4d_48_73_74;

const fileName = /^(\d{4}-[a-z-]+)\.sql$/;

/** The files of a directory in the order of their numbers, which count from 1 without a gap. */
export function readMigrations(
  directory: URL = new URL('migrations/', import.meta.url),
): readonly Migration[] {
  const migrations = readdirSync(directory)
    .flatMap((file) => fileName.exec(file)?.[1] ?? [])
    .sort()
    .map((name) => ({ name, sql: readFileSync(new URL(`${name}.sql`, directory), 'utf8') }));
  for (const [index, { name }] of migrations.entries()) {
    if (Number(name.slice(0, 4)) === index + 1) continue;
    throw storageFault('altered', `${name}: is not migration ${index + 1}; install the host again`);
  }
  return migrations;
}

/**
 * Brings a database up to date, each migration as a whole or not at all. Throws `storage_unavailable` with the remedy for a
 * database of something else, of a newer host, or whose migrations were not these.
 */
export function migrate(
  database: DatabaseSync,
  path: string,
  migrations: readonly Migration[],
): void {
  const applied = checkMigrations(database, path, migrations);
  for (const [index, migration] of migrations.entries()) {
    if (index >= applied) apply(database, index + 1, migration);
  }
}

/** How many of the migrations a database has. Throws as `migrate` does, and changes nothing. */
export function checkMigrations(
  database: DatabaseSync,
  path: string,
  migrations: readonly Migration[],
): number {
  if (numberOf(database, 'schema_version') === 0) return 0;
  if (numberOf(database, 'application_id') !== applicationId) {
    throw storageFault(
      'foreign',
      `${path}: is a database of something else; move it away, or give the host another data directory`,
    );
  }
  const version = numberOf(database, 'user_version');
  if (version > migrations.length) {
    throw storageFault(
      'newer',
      `${path}: was written by a newer host (version ${version} of the tables, this host knows ${migrations.length}); start the newer host, or restore a backup of this one`,
    );
  }
  const rows = database.prepare('SELECT number, name, sha256 FROM migration ORDER BY number').all();
  for (const [index, { name, sql }] of migrations.slice(0, version).entries()) {
    if (rows[index]?.['name'] === name && rows[index]['sha256'] === digestOf(sql)) continue;
    throw storageFault(
      'altered',
      `${path}: migration ${index + 1} of its tables was not ${name} as this host knows it (version ${version} of the tables, this host knows ${migrations.length}); start the host that wrote it`,
    );
  }
  return version;
}

function apply(database: DatabaseSync, number: number, { name, sql }: Migration): void {
  database.exec('BEGIN EXCLUSIVE');
  try {
    database.exec(
      `CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT`,
    );
    database.exec(sql);
    database
      .prepare('INSERT INTO migration (number, name, sha256) VALUES (?, ?, ?)')
      .run(number, name, digestOf(sql));
    database.exec(
      `PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${number}; COMMIT`,
    );
  } catch (thrown) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw thrown;
  }
}

function digestOf(sql: string): string {
  return createHash('sha256').update(sql).digest('hex');
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
}

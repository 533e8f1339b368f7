import type { DatabaseSync } from 'node:sqlite';
import { HostError } from '@modelhost/kernel';

/** Marks the file as a decision log: `MHdl`. */
const applicationId = 0x4d_48_64_6c;

/** What brings a file from each version to the next. Never changed once it was released. */
const migrations: readonly string[] = [
  `CREATE TABLE decision (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     time_ms INTEGER NOT NULL,
     tenant TEXT NOT NULL,
     subject TEXT NOT NULL,
     action TEXT NOT NULL,
     resource TEXT NOT NULL,
     effect TEXT NOT NULL,
     rules TEXT NOT NULL,
     policy_digest TEXT NOT NULL,
     key_id TEXT NOT NULL,
     sealed BLOB NOT NULL
   ) STRICT;
   CREATE INDEX decision_by_time ON decision (time_ms, id, effect, action, resource);
   CREATE INDEX decision_by_tenant ON decision (tenant, time_ms, id, effect, action, resource);
   CREATE INDEX decision_by_subject ON decision (subject);
   -- Holds a row while removed entries may have left traces in the file.
   CREATE TABLE rewrite_due (id INTEGER PRIMARY KEY CHECK (id = 1)) STRICT;`,
];

/** Brings the file up to date. Throws `storage_unavailable` for a file of a newer host or of something else. */
export function migrate(database: DatabaseSync, path: string): void {
  const version = numberOf(database, 'user_version');
  const isEmpty = numberOf(database, 'schema_version') === 0;
  if (!isEmpty && numberOf(database, 'application_id') !== applicationId) {
    throw new HostError(
      'storage_unavailable',
      `${path}: is a database of something else; move it away, or give the host another data directory`,
    );
  }
  if (version > migrations.length) {
    throw new HostError(
      'storage_unavailable',
      `${path}: was written by a newer host (version ${version}, this host knows ${migrations.length}); start the newer host, or move the file away to begin a new log`,
    );
  }
  database.exec('BEGIN EXCLUSIVE');
  for (const statement of migrations.slice(version)) database.exec(statement);
  database.exec(
    `PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}; COMMIT`,
  );
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
}

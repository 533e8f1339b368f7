import type { DatabaseSync } from 'node:sqlite';
import type { HostError } from '@modelhost/kernel';
import { restoreRemedy, storageFault } from './fault.ts';

/** How many of the problems are named that are not of whole pages. */
const problemsMax = 20;
const rebuildRemedy = `stop the host, let SQLite make the indexes anew (\`REINDEX\`), and verify again; or ${restoreRemedy}`;

const isDamaged = "pagetype = 'corrupted'";
const partName = "iif(type = 'index', 'index ' || name || ' of ' || tbl_name, 'table ' || name)";

/** Throws when a table or an index has lost its first page: nothing of it could be read. Takes a millisecond, however much is kept. */
export function refuseBroken(database: DatabaseSync, place: string): void {
  const parts = namesOf(
    database,
    `SELECT ${partName} AS part FROM sqlite_schema AS part
     WHERE rootpage > 0 AND (SELECT ${isDamaged} FROM dbstat WHERE name = part.name LIMIT 1)`,
  );
  if (parts.length > 0) throw damagedFault(place, parts);
}

/** Throws when something of the tables and indexes is damaged, and names all that is. Reads every page. */
export function refuseDamaged(database: DatabaseSync, place: string): void {
  const parts = namesOf(
    database,
    `SELECT ${partName} AS part FROM sqlite_schema
     WHERE name IN (SELECT name FROM dbstat WHERE ${isDamaged})`,
  );
  if (parts.length > 0) throw damagedFault(place, parts);
  const problems = database
    .prepare(`PRAGMA integrity_check(${problemsMax})`)
    .all()
    .map((row) => String(row['integrity_check']).replaceAll('\n', ' '));
  if (problems.join() === 'ok') return;
  const remedy = problems.every((problem) => problem.includes(' index '))
    ? rebuildRemedy
    : restoreRemedy;
  throw storageFault(
    'corrupt',
    `${place}: the database is damaged, ${problems.join(', ')}; ${remedy}`,
  );
}

function namesOf(database: DatabaseSync, sql: string): readonly string[] {
  return database
    .prepare(sql)
    .all()
    .map(({ part }) => String(part));
}

function damagedFault(place: string, parts: readonly string[]): HostError {
  return storageFault(
    'corrupt',
    `${place}: the database is damaged, pages are missing of ${parts.join(', ')}; ${restoreRemedy}`,
  );
}

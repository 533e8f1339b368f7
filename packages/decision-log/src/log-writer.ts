import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { logBounds } from './bounds.ts';
import type { Retention, SealedRow } from './log-file.ts';
import { createShares } from './shares.ts';

/** What changes the file. Each either happens whole or not at all. */
export interface LogWriter {
  /** Adds the rows and removes some that are too old or too many: how many were removed. */
  insert(rows: readonly SealedRow[], retention: Retention): number;
  /** Removes what is too old or too many, a bounded number: how many. */
  trim(retention: Retention): number;
  /** Removes the rows of the subject and every trace of them: how many. */
  erase(subject: string): number;
  /** Of everybody, or of one tenant. */
  entries(tenant?: string): number;
  lastId(): number;
}

/** Goes on with an erasure that was cut short. */
export function createLogWriter(database: DatabaseSync): LogWriter {
  const statements = prepareStatements(database);
  const shares = createShares(() => statements.countByTenant.all());
  if (numberFrom(statements.rewriteDue.get()) > 0) rewrite();

  function transact<Result>(work: () => Result): Result {
    database.exec('BEGIN IMMEDIATE');
    try {
      // What is added from here on is added to what was there before.
      shares.count();
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (thrown) {
      // SQLite may have rolled back by itself, when the disk was full.
      if (database.isTransaction) database.exec('ROLLBACK');
      shares.forget();
      throw thrown;
    }
  }

  /** At most so many rows that are too old or too many; the latter of whoever has most, so that nobody drives out others. */
  function removeSome({ sinceMs, entriesMax }: Retention, count: number): number {
    const tooOld = statements.removeOlder.all(sinceMs, count);
    for (const { tenant } of tooOld) shares.add(String(tenant), -1);
    const tooMany = Math.min(count - tooOld.length, shares.total() - entriesMax);
    for (let left = tooMany; left > 0;) {
      const { tenant, lead } = shares.largest();
      const some = Math.min(left, Math.max(lead, 1));
      statements.removeFirst.run(tenant, some);
      shares.add(tenant, -some);
      left -= some;
    }
    return tooOld.length + Math.max(tooMany, 0);
  }

  function insert(rows: readonly SealedRow[], retention: Retention): number {
    return transact(() => {
      for (const row of rows) {
        statements.insert.run(...valuesOf(row));
        shares.add(row.tenant, 1);
      }
      // More than were added, so that a shorter retention is reached in the end.
      return removeSome(retention, rows.length + logBounds.trimRows);
    });
  }

  function trim(retention: Retention): number {
    let removed = 0;
    for (let round = 0; round < logBounds.trimTransactions; round += 1) {
      const some = transact(() => removeSome(retention, logBounds.trimRows));
      removed += some;
      if (some === 0) break;
    }
    return removed;
  }

  function erase(subject: string): number {
    const removed = transact(() => {
      const { changes } = statements.removeSubject.run(subject);
      if (changes > 0) statements.markRewrite.run();
      return Number(changes);
    });
    if (removed > 0) shares.forget();
    // Also after an attempt that got no further than removing.
    if (numberFrom(statements.rewriteDue.get()) > 0) rewrite();
    return removed;
  }

  /**
   * Pages that were split keep copies of what moved on, which nobody overwrites; so does the write-ahead log. A file written
   * anew has neither.
   */
  function rewrite(): void {
    database.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
    statements.clearRewrite.run();
  }

  return {
    insert,
    trim,
    erase,
    entries: (tenant) => (tenant === undefined ? shares.total() : shares.of(tenant)),
    lastId: () => numberFrom(statements.lastId.get()),
  };
}

type Statement = ReturnType<DatabaseSync['prepare']>;
type StatementName =
  | 'countByTenant'
  | 'lastId'
  | 'insert'
  | 'removeOlder'
  | 'removeFirst'
  | 'removeSubject'
  | 'rewriteDue'
  | 'markRewrite'
  | 'clearRewrite';

function prepareStatements(database: DatabaseSync): Readonly<Record<StatementName, Statement>> {
  return {
    countByTenant: database.prepare(
      'SELECT tenant, count(*) AS number FROM decision GROUP BY tenant',
    ),
    lastId: database.prepare('SELECT coalesce(max(seq), 0) AS number FROM sqlite_sequence'),
    insert: database.prepare(
      `INSERT INTO decision
         (time_ms, tenant, subject, action, resource, effect, rules, policy_digest, key_id, sealed)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    removeOlder: database.prepare(
      `DELETE FROM decision WHERE id IN
         (SELECT id FROM decision WHERE time_ms < ? ORDER BY time_ms, id LIMIT ?)
       RETURNING tenant`,
    ),
    removeFirst: database.prepare(
      `DELETE FROM decision WHERE id IN
         (SELECT id FROM decision WHERE tenant = ? ORDER BY time_ms, id LIMIT ?)`,
    ),
    removeSubject: database.prepare('DELETE FROM decision WHERE subject = ?'),
    rewriteDue: database.prepare('SELECT count(*) AS number FROM rewrite_due'),
    markRewrite: database.prepare('INSERT OR IGNORE INTO rewrite_due (id) VALUES (1)'),
    clearRewrite: database.prepare('DELETE FROM rewrite_due'),
  };
}

function valuesOf(row: SealedRow): readonly SQLInputValue[] {
  const { timeMs, tenant, subject, action, resource, effect, rules, policyDigest } = row;
  const clear = [timeMs, tenant, subject, action, resource, effect, rules, policyDigest];
  return [...clear, row.keyId, row.sealed];
}

function numberFrom(row: Readonly<Record<string, unknown>> | undefined): number {
  return Number(row?.['number']);
}

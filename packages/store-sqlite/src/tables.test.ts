import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { migrate, readMigrations } from './migrate.ts';
import { createTableReads, createTableWrites } from './tables.ts';

test('no statement reads through a table or sorts one, however many runs there are', () => {
  using database = new DatabaseSync(':memory:');
  migrate(database, 'x.db', readMigrations());
  const statements: string[] = [];
  const prepare = database.prepare.bind(database);
  database.prepare = (sql) => {
    statements.push(sql);
    return prepare(sql);
  };
  createTableWrites(database);
  createTableReads(database);
  assert.ok(statements.length > 30);
  for (const sql of statements) {
    const parameters = sql.replaceAll(/[^?]/g, '').length;
    const plan = prepare(`EXPLAIN QUERY PLAN ${sql}`).all(
      ...Array.from({ length: parameters }, () => 1),
    );
    for (const { detail } of plan) {
      // Of runs that are being removed there are never more than a few, and of damaged ones; a run has few signals.
      if (detail === 'SCAN removed_run' || sql.includes('FROM signal')) continue;
      if (String(detail).startsWith('SCAN json_each ')) continue;
      assert.doesNotMatch(String(detail), /^SCAN|TEMP B-TREE/, sql);
    }
  }
});

import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { killAtStatement, migrationStatements, tablesOf } from './fixtures/migration-kills.ts';
import { inDirectory } from './fixtures/store-directory.ts';
import { migrate, readMigrations } from './migrate.ts';
import type { Migration } from './migrate.ts';

const first: Migration = { name: '0001-first', sql: 'CREATE TABLE one (a INTEGER) STRICT' };
const second: Migration = { name: '0002-second', sql: 'CREATE TABLE two (a INTEGER) STRICT' };

test('migrations are numbered from 1 without a gap', () => {
  const numbers = readMigrations().map(({ name }) => Number(name.slice(0, 4)));
  assert.ok(numbers.length >= 2);
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
});

test('what was applied is not applied again, and what is new follows', () => {
  using database = new DatabaseSync(':memory:');
  migrate(database, 'x.db', [first]);
  migrate(database, 'x.db', [first]);
  migrate(database, 'x.db', [first, second]);
  assert.deepEqual(tablesOf(database), ['migration', 'one', 'two']);
});

test('a migration that fails leaves nothing of itself, and what came before it stays', () => {
  using database = new DatabaseSync(':memory:');
  const broken = { name: '0002-broken', sql: `${second.sql}; INSERT INTO nowhere VALUES (1)` };
  assert.throws(() => migrate(database, 'x.db', [first, broken]), /nowhere/);
  assert.deepEqual(tablesOf(database), ['migration', 'one']);
  migrate(database, 'x.db', [first, second]);
  assert.deepEqual(tablesOf(database), ['migration', 'one', 'two']);
});

test('a database of a newer host is refused, with both versions and what to do', () => {
  using database = new DatabaseSync(':memory:');
  migrate(database, 'x.db', [first, second]);
  assertRefused(database, [first], 'newer', /^x\.db: .*newer host .*version 2.* knows 1.*start /);
});

test('a database whose migrations were others is refused', () => {
  using database = new DatabaseSync(':memory:');
  migrate(database, 'x.db', [first, second]);
  const changed = { ...second, sql: `${second.sql};` };
  assertRefused(database, [first, changed], 'altered', /migration 2 .*0002-second.*version 2/);
  const renamed = { ...first, name: '0001-other' };
  assertRefused(database, [renamed, second], 'altered', /migration 1 .*0001-other/);
});

test('a database of something else is refused', () => {
  using database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE theirs (a)');
  assertRefused(database, [first], 'foreign', /something else/);
  assert.deepEqual(tablesOf(database), ['theirs']);
});

test('a host that is killed in the middle of a migration has all of it later', async () => {
  await inDirectory(async (directory) => {
    const statements = [0, 2, 5, Math.floor(migrationStatements / 2), migrationStatements - 1];
    await Promise.all(statements.map((statement) => killAtStatement(directory, statement)));
  });
});

function assertRefused(
  database: DatabaseSync,
  migrations: readonly Migration[],
  reason: string,
  message: RegExp,
): void {
  assert.throws(
    () => migrate(database, 'x.db', migrations),
    (thrown) => {
      assert.ok(thrown instanceof HostError);
      assert.deepEqual([thrown.code, thrown.facts['reason']], ['storage_unavailable', reason]);
      assert.match(thrown.message, message);
      return true;
    },
  );
}

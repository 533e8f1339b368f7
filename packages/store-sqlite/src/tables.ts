import type { DatabaseSync } from 'node:sqlite';
import { createOwnerWrites } from './owner-writes.ts';
import type { OwnerWrites } from './owner-writes.ts';
import { createRunReads } from './runs/run-reads.ts';
import type { RunReads } from './runs/run-reads.ts';
import { createRunRemoval } from './runs/run-removal.ts';
import type { RunRemoval } from './runs/run-removal.ts';
import { createRunWrites } from './runs/run-writes.ts';
import type { RunWrites } from './runs/run-writes.ts';
import { createSessionReads } from './sessions/session-reads.ts';
import type { SessionReads } from './sessions/session-reads.ts';
import { createSessionWrites } from './sessions/session-writes.ts';
import type { SessionWrites } from './sessions/session-writes.ts';

/**
 * What the writer does in a transaction. Another group of tables is a migration, a type of its writes and one of its reads, and a line
 * here for each; the names of all groups must differ.
 */
export type TableWrites = OwnerWrites & RunWrites & RunRemoval & SessionWrites;

/** What readers do in a transaction. */
export type TableReads = RunReads & SessionReads;

/** All writes of all groups. */
export function createTableWrites(database: DatabaseSync): TableWrites {
  return {
    ...createOwnerWrites(database),
    ...createRunWrites(database),
    ...createRunRemoval(database),
    ...createSessionWrites(database),
  };
}

/** All reads of all groups. */
export function createTableReads(database: DatabaseSync): TableReads {
  return { ...createRunReads(database), ...createSessionReads(database) };
}

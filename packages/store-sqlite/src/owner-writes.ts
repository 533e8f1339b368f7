import type { DatabaseSync } from 'node:sqlite';
import { markFrom, selectMark } from './store-mark.ts';
import type { StoreMark } from './store-mark.ts';

/** What concerns the database as a whole. */
export type OwnerWrites = {
  /** Fails when nothing can be written, as whatever is written with it does. */
  check(argument: null): void;
  /** How far the store gets with this transaction. */
  mark(argument: null): StoreMark;
  /** Gives some of the pages that nothing uses back to the disk. */
  vacuum(options: { readonly pagesMax: number }): { readonly freePages: number };
};

/** Prepares the statements. */
export function createOwnerWrites(database: DatabaseSync): OwnerWrites {
  const findMark = database.prepare(selectMark);
  return {
    // Each transaction writes something of its own.
    check: () => {},
    mark: () => markFrom(findMark.get() ?? {}),
    vacuum: ({ pagesMax }) => {
      database.exec(`PRAGMA incremental_vacuum(${pagesMax})`);
      const row = database.prepare('PRAGMA freelist_count').get();
      return { freePages: Number(row?.['freelist_count']) };
    },
  };
}

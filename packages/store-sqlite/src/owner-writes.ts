import type { DatabaseSync } from 'node:sqlite';
import { markFrom } from './store-mark.ts';
import type { StoreMark } from './store-mark.ts';

/** What concerns the database as a whole. */
export type OwnerWrites = {
  /** Writes something, so that it fails when nothing can be written. */
  check(argument: null): void;
  /** Raises the mark of the store, and gives it. */
  mark(argument: null): StoreMark;
  /** Gives some of the pages that nothing uses back to the disk. */
  vacuum(options: { readonly pagesMax: number }): { readonly freePages: number };
};

/** Prepares the statements. */
export function createOwnerWrites(database: DatabaseSync): OwnerWrites {
  const countCheck = database.prepare('UPDATE owner SET checks = checks + 1 WHERE id = 1');
  const raiseMark = database.prepare(
    `UPDATE owner SET checks = checks + 1 WHERE id = 1
     RETURNING epoch, checks, (SELECT store_id FROM identity WHERE id = 1) AS store_id`,
  );
  return {
    check: () => {
      countCheck.run();
    },
    mark: () => markFrom(raiseMark.get() ?? {}),
    vacuum: ({ pagesMax }) => {
      database.exec(`PRAGMA incremental_vacuum(${pagesMax})`);
      const row = database.prepare('PRAGMA freelist_count').get();
      return { freePages: Number(row?.['freelist_count']) };
    },
  };
}

import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';

/** A turn in the table, without what was said in it. */
export interface LinkedTurn {
  readonly id: number;
  readonly number: number;
  readonly runId: string;
  readonly before: SQLOutputValue;
}

/** From a turn to the first one, one after the other; nothing from null. */
export type WalkTurns = (last: SQLOutputValue | undefined) => Iterable<LinkedTurn>;

/** Prepares the statement. A session has a bounded number of turns, and each step looks one row up. */
export function prepareWalk(database: DatabaseSync): WalkTurns {
  const find = database.prepare('SELECT before, number, run_id FROM session_turn WHERE id = ?');
  return function* walk(last) {
    let id = last;
    while (typeof id === 'number') {
      const row = find.get(id);
      if (row === undefined) return;
      const before = row['before'] ?? null;
      yield { id, number: Number(row['number']), runId: String(row['run_id']), before };
      id = before;
    }
  };
}

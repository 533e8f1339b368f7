import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { createPayloads } from '../payload.ts';
import type { Payloads } from '../payload.ts';

/** Removal in steps of a bounded number of rows, so that no write waits for long behind one. */
export type RunRemoval = {
  dropEvents(argument: { readonly runId: string; readonly upToSequence: number }): void;
  /** Takes finished runs away, oldest first, and then what they leave behind. */
  removeRuns(step: RemovalStep): RemovalProgress;
  /** Removes the events of finished runs, oldest first. */
  removeEvents(step: RemovalStep): RemovalProgress;
};

/** How much one step removes. */
export interface RemovalStep {
  readonly finishedBeforeMs: number;
  readonly runsMax: number;
  readonly rowsMax: number;
}

/** What a step did. */
export interface RemovalProgress {
  readonly runs: number;
  /** Whether another step may find more. */
  readonly isMore: boolean;
}

/** Prepares the statements. */
export function createRunRemoval(database: DatabaseSync): RunRemoval {
  const payloads = createPayloads(database);
  return {
    dropEvents: prepareDropEvents(database, payloads),
    removeRuns: prepareRemoveRuns(database, payloads),
    removeEvents: prepareRemoveEvents(database, payloads),
  };
}

function prepareDropEvents(database: DatabaseSync, payloads: Payloads): RunRemoval['dropEvents'] {
  const remove = database.prepare(
    `DELETE FROM event
     WHERE run = (SELECT ordinal FROM run WHERE run_id = ?) AND last_sequence <= ? RETURNING blob`,
  );
  return ({ runId, upToSequence }) => {
    for (const { blob } of remove.all(runId, upToSequence)) payloads.release(blob);
  };
}

function prepareRemoveRuns(database: DatabaseSync, payloads: Payloads): RunRemoval['removeRuns'] {
  const findLeft = database.prepare('SELECT run FROM removed_run LIMIT 1');
  const findOldest = database.prepare(
    'SELECT ordinal, blob FROM run WHERE finished_at_ms < ? ORDER BY finished_at_ms, ordinal LIMIT 1',
  );
  const take = database.prepare('INSERT INTO removed_run (run) VALUES (?)');
  const removeRun = database.prepare('DELETE FROM run WHERE ordinal = ?');
  const removeTail = database.prepare('DELETE FROM run_tail WHERE run = ?');
  const forget = database.prepare('DELETE FROM removed_run WHERE run = ?');
  const rows = ['event', 'entry', 'signal', 'run_input'].map((table) =>
    database.prepare(
      `DELETE FROM ${table}
       WHERE rowid IN (SELECT rowid FROM ${table} WHERE run = ? LIMIT ?) RETURNING blob`,
    ),
  );

  /** False when there is none. From here on nobody finds it. */
  function takeOldest(finishedBeforeMs: number): boolean {
    const run = findOldest.get(finishedBeforeMs);
    if (run === undefined) return false;
    payloads.release(run['blob']);
    take.run(Number(run['ordinal']));
    removeRun.run(Number(run['ordinal']));
    removeTail.run(Number(run['ordinal']));
    return true;
  }

  return ({ finishedBeforeMs, runsMax, rowsMax }) => {
    let runs = 0;
    let rowsLeft = rowsMax;
    while (rowsLeft > 0) {
      const left = findLeft.get();
      if (left !== undefined) {
        const run = Number(left['run']);
        rowsLeft -= removeRows(rows, payloads, run, rowsLeft);
        if (rowsLeft > 0) forget.run(run);
      } else if (runs < runsMax && takeOldest(finishedBeforeMs)) {
        runs += 1;
        rowsLeft -= 1;
      } else {
        return { runs, isMore: false };
      }
    }
    return { runs, isMore: true };
  };
}

function prepareRemoveEvents(
  database: DatabaseSync,
  payloads: Payloads,
): RunRemoval['removeEvents'] {
  const findOldest = database.prepare(
    `SELECT ordinal FROM run WHERE finished_at_ms < ? AND has_events = 1
     ORDER BY finished_at_ms LIMIT 1`,
  );
  const remove = database.prepare(
    `DELETE FROM event
     WHERE rowid IN (SELECT rowid FROM event WHERE run = ? ORDER BY last_sequence LIMIT ?) RETURNING blob`,
  );
  const close = database.prepare('UPDATE run SET has_events = 0 WHERE ordinal = ?');

  return ({ finishedBeforeMs, runsMax, rowsMax }) => {
    let runs = 0;
    let rowsLeft = rowsMax;
    while (rowsLeft > 0 && runs < runsMax) {
      const oldest = findOldest.get(finishedBeforeMs);
      if (oldest === undefined) return { runs, isMore: false };
      const ordinal = Number(oldest['ordinal']);
      const removed = removeRows([remove], payloads, ordinal, rowsLeft);
      if (removed >= rowsLeft) break;
      close.run(ordinal);
      runs += 1;
      rowsLeft -= removed + 1;
    }
    return { runs, isMore: runs < runsMax };
  };
}

/** How many rows of a run were removed; fewer than asked for when none are left. */
function removeRows(
  statements: readonly StatementSync[],
  payloads: Payloads,
  run: number,
  rowsMax: number,
): number {
  let removed = 0;
  for (const statement of statements) {
    if (removed >= rowsMax) return removed;
    const rows = statement.all(run, rowsMax - removed);
    for (const { blob } of rows) payloads.release(blob);
    removed += rows.length;
  }
  return removed;
}

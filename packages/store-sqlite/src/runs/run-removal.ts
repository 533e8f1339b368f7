import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { HostError } from '@modelhost/kernel';
import { isCorrupt } from '../fault.ts';
import { createPayloads } from '../payload.ts';
import type { Payloads } from '../payload.ts';

/** Removal in steps of a bounded number of rows, so that no write waits for long behind one. */
export type RunRemoval = {
  dropEvents(argument: { readonly runId: string; readonly upToSequence: number }): void;
  /** Takes finished runs away, oldest first, and then what they leave behind. A fault by damage of one of them has its ordinal as a fact. */
  removeRuns(step: RemovalStep): RemovalProgress;
  /** Removes the events of finished runs, oldest first. */
  removeEvents(step: RemovalStep): RemovalProgress;
};

/** How much one step removes. */
export interface RemovalStep {
  readonly finishedBeforeMs: number;
  readonly runsMax: number;
  readonly rowsMax: number;
  /** Ordinals of runs that were found damaged. */
  readonly skipped: readonly number[];
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

/** Not one of those in a JSON list. */
const notSkipped = 'NOT IN (SELECT value FROM json_each(?))';

function prepareRemoveRuns(database: DatabaseSync, payloads: Payloads): RunRemoval['removeRuns'] {
  const findLeft = database.prepare(`SELECT run FROM removed_run WHERE run ${notSkipped} LIMIT 1`);
  const findOldest = database.prepare(
    `SELECT ordinal, blob FROM run WHERE finished_at_ms < ? AND ordinal ${notSkipped}
     ORDER BY finished_at_ms, ordinal LIMIT 1`,
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

  /** From here on nobody finds it. */
  function takeAway(ordinal: number, blob: SQLOutputValue | undefined): void {
    payloads.release(blob);
    take.run(ordinal);
    removeRun.run(ordinal);
    removeTail.run(ordinal);
  }

  function removeLeft(run: number, rowsMax: number): number {
    const count = removeRows(rows, payloads, run, rowsMax);
    if (count < rowsMax) forget.run(run);
    return count;
  }

  return ({ finishedBeforeMs, runsMax, rowsMax, skipped }) => {
    const without = JSON.stringify(skipped);
    let runs = 0;
    let rowsLeft = rowsMax;
    while (rowsLeft > 0) {
      const left = findLeft.get(without);
      const oldest =
        left === undefined && runs < runsMax
          ? findOldest.get(finishedBeforeMs, without)
          : undefined;
      const run = Number(left?.['run'] ?? oldest?.['ordinal'] ?? NaN);
      if (Number.isNaN(run)) return { runs, isMore: false };
      rowsLeft -= ofRun(run, () => {
        if (oldest === undefined) return removeLeft(run, rowsLeft);
        takeAway(run, oldest['blob']);
        return 1;
      });
      runs += oldest === undefined ? 0 : 1;
    }
    return { runs, isMore: true };
  };
}

function prepareRemoveEvents(
  database: DatabaseSync,
  payloads: Payloads,
): RunRemoval['removeEvents'] {
  const findOldest = database.prepare(
    `SELECT ordinal FROM run WHERE finished_at_ms < ? AND has_events = 1 AND ordinal ${notSkipped}
     ORDER BY finished_at_ms LIMIT 1`,
  );
  const remove = database.prepare(
    `DELETE FROM event
     WHERE rowid IN (SELECT rowid FROM event WHERE run = ? ORDER BY last_sequence LIMIT ?) RETURNING blob`,
  );
  const close = database.prepare('UPDATE run SET has_events = 0 WHERE ordinal = ?');

  return ({ finishedBeforeMs, runsMax, rowsMax, skipped }) => {
    const without = JSON.stringify(skipped);
    let runs = 0;
    let rowsLeft = rowsMax;
    while (rowsLeft > 0 && runs < runsMax) {
      const oldest = findOldest.get(finishedBeforeMs, without);
      if (oldest === undefined) return { runs, isMore: false };
      const ordinal = Number(oldest['ordinal']);
      const removed = ofRun(ordinal, () => removeRows([remove], payloads, ordinal, rowsLeft));
      if (removed >= rowsLeft) break;
      close.run(ordinal);
      runs += 1;
      rowsLeft -= removed + 1;
    }
    return { runs, isMore: runs < runsMax };
  };
}

/** What the work gives. Damage that it comes upon is told with the run that it is of. */
function ofRun<T>(ordinal: number, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!isCorrupt(cause)) throw cause;
    const facts = { reason: 'corrupt', ordinal: String(ordinal) };
    throw new HostError('storage_unavailable', 'a run that is to be removed is damaged', {
      cause,
      facts,
    });
  }
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

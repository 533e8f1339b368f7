import type { DatabaseSync } from 'node:sqlite';

/** How many of the parts that are missing are named. */
const namedMax = 20;

const runOf = `run.run_id || ' (' || run.tenant || ')'`;
const sessionOf = `session.session_id || ' (' || session.tenant || ')'`;
const turnOf = `turn.run_id || ' (' || turn.tenant || ')'`;

/** Each gives what is missing, and of what. */
const checks: readonly string[] = [
  `SELECT 'the input of ' || ${runOf} AS part FROM run
   LEFT JOIN run_input ON run_input.run = run.ordinal WHERE run_input.run IS NULL`,
  `SELECT 'the count of events of ' || ${runOf} AS part FROM run
   LEFT JOIN run_tail ON run_tail.run = run.ordinal WHERE run_tail.run IS NULL`,
  `SELECT 'events ' || (after + 1) || ' to ' || upto || ' of ' || ${runOf} AS part
   FROM (SELECT run, first_sequence - 1 AS upto,
           lag(last_sequence) OVER (PARTITION BY run ORDER BY last_sequence) AS after FROM event)
   JOIN run ON run.ordinal = run WHERE after <> upto`,
  // Where there are none at all, a retention may be about to say so.
  `SELECT 'events ' || (coalesce(newest, 0) + 1) || ' to ' || last_sequence || ' of ' || ${runOf} AS part
   FROM run JOIN run_tail ON run_tail.run = run.ordinal
   LEFT JOIN (SELECT run, max(last_sequence) AS newest FROM event GROUP BY run) AS kept ON kept.run = run.ordinal
   WHERE has_events = 1 AND last_sequence > 0 AND newest IS NOT last_sequence
     AND (newest IS NOT NULL OR state <> 'finished')`,
  `SELECT 'the last turn of ' || ${sessionOf} AS part FROM session
   LEFT JOIN session_turn ON session_turn.id = last_turn
   WHERE last_turn IS NOT NULL AND session_turn.id IS NULL`,
  `SELECT 'the turn before that of ' || ${turnOf} AS part FROM session_turn AS turn
   LEFT JOIN session_turn AS earlier ON earlier.id = turn.before
   WHERE turn.before IS NOT NULL AND earlier.id IS NULL`,
  `SELECT 'what was said in the turn of ' || ${turnOf} AS part FROM session_turn AS turn
   WHERE NOT EXISTS (SELECT 1 FROM session_piece WHERE turn = turn.id)`,
];

/** What is not there although the rest says that it was written, as far as tables tell without opening anything: a few, by name. */
export function findMissing(database: DatabaseSync): readonly string[] {
  const missing: string[] = [];
  for (const select of checks) {
    const rows = database.prepare(`${select} LIMIT ?`).all(namedMax - missing.length);
    missing.push(...rows.map(({ part }) => String(part)));
  }
  return missing;
}

import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { RowFilter, RowQuery, StoredRow } from './log-file.ts';

/** The rows of one stretch of the log. */
export function readRows(database: DatabaseSync, query: RowQuery): readonly StoredRow[] {
  const { filter, order, after, idMax, rowsMax } = query;
  const conditions = conditionsOf(filter);
  if (after !== undefined) {
    const sign = order === 'newest' ? '<' : '>';
    // The first half lets an index find the place.
    conditions.push([`time_ms ${sign}= ?`, after.timeMs]);
    conditions.push([`(time_ms ${sign} ? OR id ${sign} ?)`, after.timeMs, after.id]);
  }
  if (idMax !== undefined) conditions.push(['id <= ?', idMax]);
  const where = conditions.map(([text]) => text).join(' AND ');
  const direction = order === 'newest' ? 'DESC' : 'ASC';
  const values = conditions.flatMap(([, ...some]) => some);
  const statement = database.prepare(
    `SELECT id, time_ms AS timeMs, tenant, key_id AS keyId, sealed FROM decision
     ${where === '' ? '' : `WHERE ${where}`}
     ORDER BY time_ms ${direction}, id ${direction} LIMIT ?`,
  );
  // The table is STRICT: its columns have these types and are never null.
  return statement.all(...values, rowsMax) as unknown as readonly StoredRow[];
}

type Condition = readonly [text: string, ...values: readonly SQLInputValue[]];

function conditionsOf(filter: RowFilter): Condition[] {
  const { tenant, sinceMs, untilMs, effect, action, resource, rule } = filter;
  const conditions: Condition[] = [];
  if (tenant !== undefined) conditions.push(['tenant = ?', tenant]);
  if (sinceMs !== undefined) conditions.push(['time_ms >= ?', sinceMs]);
  if (untilMs !== undefined) conditions.push(['time_ms < ?', untilMs]);
  if (effect !== undefined) conditions.push(['effect = ?', effect]);
  if (action !== undefined) conditions.push(['action = ?', action]);
  if (resource !== undefined) conditions.push(['resource = ?', resource]);
  if (rule !== undefined) {
    conditions.push(['EXISTS (SELECT 1 FROM json_each(rules) WHERE value = ?)', rule]);
  }
  return conditions;
}

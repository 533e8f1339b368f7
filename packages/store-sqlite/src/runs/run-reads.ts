import type { KeptEvents, KeptRun, RunRecord } from '@modelhost/engine-embedded';
import type { RunState } from '@modelhost/kernel';
import type { DatabaseSync } from 'node:sqlite';
import { payloadColumns, readPayload } from '../payload.ts';
import { selectRuns, toKeptRun } from './kept-run.ts';

/** What the engine asks about runs. */
export type RunReads = {
  findRun(runId: string): KeptRun | undefined;
  readRun(runId: string): RunRecord | undefined;
  listRuns(page: {
    readonly tenant: string;
    readonly state?: RunState;
    readonly beforeOrdinal?: number;
    readonly limit: number;
  }): readonly KeptRun[];
  unfinishedRuns(page: {
    readonly afterOrdinal: number;
    readonly limit: number;
  }): readonly KeptRun[];
  readEvents(options: {
    readonly runId: string;
    readonly afterSequence: number;
    readonly bytesMax: number;
  }): {
    readonly events: readonly KeptEvents[];
    readonly firstSequence: number | undefined;
  };
};

/** Prepares the statements. */
export function createRunReads(database: DatabaseSync): RunReads {
  const find = database.prepare(`${selectRuns} WHERE run_id = ?`);
  const unfinished = database.prepare(
    `${selectRuns} WHERE state <> 'finished' AND ordinal > ? ORDER BY ordinal LIMIT ?`,
  );

  return {
    findRun: (runId) => {
      const row = find.get(runId);
      return row && toKeptRun(row);
    },
    readRun: prepareReadRun(database),
    listRuns: prepareListRuns(database),
    unfinishedRuns: ({ afterOrdinal, limit }) => unfinished.all(afterOrdinal, limit).map(toKeptRun),
    readEvents: prepareReadEvents(database),
  };
}

function prepareReadRun(database: DatabaseSync): RunReads['readRun'] {
  const find = database.prepare(`${selectRuns} WHERE run_id = ?`);
  const input = database.prepare(selectPayloads('run_input', 'run'));
  const entries = database.prepare(selectPayloads('entry', 'id'));
  const signals = database.prepare(selectPayloads('signal', 'id', 'name'));

  return (runId) => {
    const row = find.get(runId);
    if (row === undefined) return undefined;
    const run = toKeptRun(row);
    return {
      run,
      input: readPayload(input.get(run.ordinal) ?? {}),
      entries: entries.all(run.ordinal).map(readPayload),
      signals: signals.all(run.ordinal).map((signal) => ({
        name: String(signal['name']),
        payload: readPayload(signal),
      })),
    };
  };
}

function selectPayloads(table: string, order: string, ...columns: readonly string[]): string {
  return `SELECT ${[...columns, payloadColumns].join(', ')}
    FROM ${table} LEFT JOIN blob ON blob.id = ${table}.blob WHERE run = ? ORDER BY ${table}.${order}`;
}

function prepareListRuns(database: DatabaseSync): RunReads['listRuns'] {
  const all = database.prepare(
    `${selectRuns} WHERE tenant = ? AND ordinal < ? ORDER BY ordinal DESC LIMIT ?`,
  );
  const ofState = database.prepare(
    `${selectRuns} WHERE tenant = ? AND state = ? AND ordinal < ? ORDER BY ordinal DESC LIMIT ?`,
  );

  return ({ tenant, state, beforeOrdinal = Number.MAX_SAFE_INTEGER, limit }) => {
    const rows =
      state === undefined
        ? all.all(tenant, beforeOrdinal, limit)
        : ofState.all(tenant, state, beforeOrdinal, limit);
    return rows.map(toKeptRun);
  };
}

function prepareReadEvents(database: DatabaseSync): RunReads['readEvents'] {
  const findRun = database.prepare('SELECT ordinal FROM run WHERE run_id = ?');
  const oldest = database.prepare(
    'SELECT first_sequence FROM event WHERE run = ? ORDER BY last_sequence LIMIT 1',
  );
  const select = database.prepare(
    `SELECT first_sequence, last_sequence, ${payloadColumns}
     FROM event LEFT JOIN blob ON blob.id = event.blob
     WHERE run = ? AND last_sequence > ? ORDER BY last_sequence`,
  );

  return ({ runId, afterSequence, bytesMax }) => {
    const run = Number(findRun.get(runId)?.['ordinal']);
    const first = oldest.get(run)?.['first_sequence'];
    const events: KeptEvents[] = [];
    let bytes = 0;
    for (const row of select.iterate(run, afterSequence)) {
      const payload = readPayload(row);
      events.push({
        firstSequence: Number(row['first_sequence']),
        lastSequence: Number(row['last_sequence']),
        payload,
      });
      bytes += payload.byteLength;
      if (bytes >= bytesMax) break;
    }
    return { events, firstSequence: typeof first === 'number' ? first : undefined };
  };
}

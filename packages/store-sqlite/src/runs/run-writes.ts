import type { KeptEvents, KeptRun, KeptSignal, NewRun, RunWrite } from '@modelhost/engine-embedded';
import { HostError } from '@modelhost/kernel';
import type { DatabaseSync } from 'node:sqlite';
import { createPayloads } from '../payload.ts';
import { selectRuns, toKeptRun } from './kept-run.ts';

/** What the engine changes of runs. */
export type RunWrites = {
  createRun(argument: {
    readonly run: NewRun;
    readonly input: Uint8Array;
  }): { readonly created: true } | { readonly created: false; readonly run: KeptRun };
  writeRun(write: RunWrite): void;
  addSignal(argument: {
    readonly runId: string;
    readonly signal: KeptSignal;
    readonly signalsMax: number;
  }): 'added' | 'known' | 'full' | 'gone';
};

/** Prepares the statements. */
export function createRunWrites(database: DatabaseSync): RunWrites {
  return {
    createRun: prepareCreateRun(database),
    writeRun: prepareWriteRun(database),
    addSignal: prepareAddSignal(database),
  };
}

function prepareCreateRun(database: DatabaseSync): RunWrites['createRun'] {
  const payloads = createPayloads(database);
  const find = database.prepare(`${selectRuns} WHERE run_id = ?`);
  const addRun = database.prepare(
    `INSERT INTO run (run_id, tenant, state, created_at_ms, finished_at_ms, input_digest, program_version, body, blob)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING ordinal`,
  );
  const addTail = database.prepare('INSERT INTO run_tail (run, last_sequence) VALUES (?, 0)');
  const addInput = database.prepare('INSERT INTO run_input (run, body, blob) VALUES (?, ?, ?)');
  const addEntry = database.prepare('INSERT INTO entry (run, body, blob) VALUES (?, ?, ?)');

  return ({ run, input }) => {
    const known = find.get(run.runId);
    if (known !== undefined) return { created: false, run: toKeptRun(known) };
    const row = addRun.get(
      run.runId,
      run.tenant,
      run.state,
      run.createdAtMs,
      run.finishedAtMs ?? null,
      run.inputDigest,
      run.programVersion,
      ...payloads.place(run.status),
    );
    const ordinal = Number(row?.['ordinal']);
    addTail.run(ordinal);
    addInput.run(ordinal, ...payloads.place(input));
    for (const entry of run.entries ?? []) addEntry.run(ordinal, ...payloads.place(entry));
    return { created: true };
  };
}

function prepareWriteRun(database: DatabaseSync): RunWrites['writeRun'] {
  const payloads = createPayloads(database);
  const find = database.prepare('SELECT ordinal, blob, has_events FROM run WHERE run_id = ?');
  const markEvents = database.prepare('UPDATE run SET has_events = 1 WHERE ordinal = ?');
  const addEntry = database.prepare('INSERT INTO entry (run, body, blob) VALUES (?, ?, ?)');
  const addEvents = database.prepare(
    'INSERT INTO event (run, first_sequence, last_sequence, body, blob) VALUES (?, ?, ?, ?, ?)',
  );
  const moveTail = database.prepare(
    'UPDATE run_tail SET last_sequence = ? WHERE run = ? AND last_sequence = ? - 1',
  );
  const changeRun = database.prepare(
    'UPDATE run SET state = ?, finished_at_ms = ?, body = ?, blob = ? WHERE ordinal = ?',
  );

  function append(ordinal: number, { firstSequence, lastSequence, payload }: KeptEvents): void {
    if (lastSequence < firstSequence) throw outOfOrder();
    const { changes } = moveTail.run(lastSequence, ordinal, firstSequence);
    if (changes !== 1) throw outOfOrder();
    addEvents.run(ordinal, firstSequence, lastSequence, ...payloads.place(payload));
  }

  return ({ runId, entries, events, run }) => {
    const row = find.get(runId);
    if (row === undefined) throw new HostError('internal', 'a write for a run that is not kept');
    const ordinal = Number(row['ordinal']);
    for (const entry of entries) addEntry.run(ordinal, ...payloads.place(entry));
    if (events !== undefined) {
      append(ordinal, events);
      // A retention has removed those before: these are for the next one.
      if (row['has_events'] === 0) markEvents.run(ordinal);
    }
    if (run === undefined) return;
    const status = payloads.place(run.status);
    payloads.release(row['blob']);
    changeRun.run(run.state, run.finishedAtMs ?? null, ...status, ordinal);
  };
}

function prepareAddSignal(database: DatabaseSync): RunWrites['addSignal'] {
  const payloads = createPayloads(database);
  const find = database.prepare('SELECT ordinal, state FROM run WHERE run_id = ?');
  const findSignal = database.prepare('SELECT 1 FROM signal WHERE run = ? AND name = ?');
  const count = database.prepare('SELECT count(*) AS signals FROM signal WHERE run = ?');
  const add = database.prepare('INSERT INTO signal (run, name, body, blob) VALUES (?, ?, ?, ?)');

  return ({ runId, signal, signalsMax }) => {
    const row = find.get(runId);
    if (row === undefined || row['state'] === 'finished') return 'gone';
    const ordinal = Number(row['ordinal']);
    if (findSignal.get(ordinal, signal.name) !== undefined) return 'known';
    if (Number(count.get(ordinal)?.['signals']) >= signalsMax) return 'full';
    add.run(ordinal, signal.name, ...payloads.place(signal.payload));
    return 'added';
  };
}

function outOfOrder(): HostError {
  return new HostError('internal', 'events that do not follow those that are kept');
}

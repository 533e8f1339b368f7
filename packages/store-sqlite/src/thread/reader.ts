/** A thread that reads: each call sees the database as it was at one moment. */
import type { DatabaseSync } from 'node:sqlite';
import { storageFault } from '../fault.ts';
import { openReaderFile } from '../store-file.ts';
import { createTableReads } from '../tables.ts';
import type { TableReads } from '../tables.ts';
import type { Call, Operations } from './messages.ts';
import { answerAlone, serveCalls } from './serve.ts';

/** What a reader is told beside questions. */
export type ReaderControl = {
  /** The first call, when the writer has the database open. */
  open(directory: string): void;
  /** Reads something, so that it fails when nothing can be read. */
  check(argument: null): void;
  /** The last call. */
  close(argument: null): void;
};

/** All that a reader can be asked. */
export type ReaderOperations = ReaderControl & TableReads;

let database: DatabaseSync | undefined;
let reads: Operations = {};

const control: ReaderControl = {
  open: (directory) => {
    database = openReaderFile(directory);
    // Asked by name; what is asked with which argument was checked where it was called.
    reads = createTableReads(database);
  },
  check: () => {
    database?.prepare('SELECT epoch FROM owner').get();
  },
  close: () => {
    database?.close();
    database = undefined;
  },
};

function perform({ name, argument }: Call): unknown {
  // As above.
  if (name in control) return (control as Operations)[name]?.(argument as never);
  if (database === undefined) throw storageFault('closed', 'the storage is not open');
  database.exec('BEGIN');
  try {
    return reads[name]?.(argument as never);
  } finally {
    database.exec('COMMIT');
  }
}

serveCalls((calls) => calls.slice(0, 1).map((call) => answerAlone(call, perform)), {
  callsMax: 1,
  afterAnswers: () => {},
});

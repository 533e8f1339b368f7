import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { toFileFault } from './file-fault.ts';
import type { FileAnswer, LogFile } from './log-file.ts';
import { createLogWriter } from './log-writer.ts';
import { readRows } from './row-query.ts';
import { migrate } from './schema.ts';

/**
 * Opens or makes the file, mode 0600, and keeps everybody else out of it until it is closed or the process ends. What is
 * removed is overwritten. Throws `storage_unavailable` with the remedy for a file that cannot be used.
 */
export function openLogFile(path: string): LogFile {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    makeFile(path);
    database = new DatabaseSync(path);
    // The lock of the system ends with the process, however that ends. Without the mode, SQLite would let it go in between.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    migrate(database, path);
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;
       PRAGMA journal_size_limit = 16777216`,
    );
    return createLogFile(database, path);
  } catch (thrown) {
    database?.close();
    throw toFileFault('storage_unavailable', path, thrown);
  }
}

/** An existing file is not touched: closing it would let go of the lock that another opening of this process has on it. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST')) throw thrown;
  }
}

function createLogFile(database: DatabaseSync, path: string): LogFile {
  const writer = createLogWriter(database);

  function answerWith(part: Partial<FileAnswer>): FileAnswer {
    const state = { entries: writer.entries(), lastId: writer.lastId() };
    return { ...state, removed: 0, rows: [], counted: 0, ...part };
  }

  return {
    answer: (request) => {
      try {
        switch (request.kind) {
          case 'insert':
            return answerWith({ removed: writer.insert(request.rows, request.retention) });
          case 'trim':
            return answerWith({ removed: writer.trim(request.retention) });
          case 'read':
            return answerWith({ rows: readRows(database, request.query) });
          case 'count':
            return answerWith({ counted: writer.entries(request.tenant) });
          case 'erase':
            return answerWith({ removed: writer.erase(request.subject) });
        }
      } catch (thrown) {
        throw toFileFault('internal', path, thrown);
      }
    },
    close: () => database.close(),
  };
}

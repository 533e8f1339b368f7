/** The thread that writes: the only one that has the database open for writing. */
import { fixedBounds } from '../bounds.ts';
import { storageFault } from '../fault.ts';
import { readMigrations } from '../migrate.ts';
import { openReachedFile } from '../reached.ts';
import type { ReachedFile } from '../reached.ts';
import { openWriterFile } from '../store-file.ts';
import type { WriterFile, WriterFileOptions } from '../store-file.ts';
import { createTableWrites } from '../tables.ts';
import type { TableWrites } from '../tables.ts';
import { createGroupCommit } from './group-commit.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Answer, Call, Operations } from './messages.ts';
import { answerAlone, serveCalls } from './serve.ts';

/** What is done between transactions, each by itself. */
export type WriterControl = {
  /** The first call. Brings the tables up to date. */
  open(
    options: Omit<WriterFileOptions, 'migrations'> & {
      readonly directory: string;
      readonly reachedPath: string | undefined;
    },
  ): void;
  /** Throws when the file is no longer in its place. */
  checkPlace(argument: null): void;
  /** Copies the whole write-ahead log into the file and empties it. */
  truncateLog(argument: null): void;
  /** The last call. Lets go of the lock. */
  close(argument: null): void;
};

/** All that the writer can be asked. */
export type WriterOperations = WriterControl & TableWrites;

interface OpenWriter {
  readonly file: WriterFile;
  readonly reached: ReachedFile | undefined;
  readonly commit: GroupCommit;
}

/** What is refused once the file is not in its place: whatever is begun. What goes on may end, in the file that was moved. */
const inPlace: ReadonlySet<string> = new Set<keyof TableWrites>([
  'createRun',
  'createSession',
  'mark',
]);

let writer: OpenWriter | undefined;

const control: WriterControl = {
  open: ({ directory, reachedPath, ...options }) => {
    const file = openWriterFile(directory, { ...options, migrations: readMigrations() });
    // Asked by name; what is asked with which argument was checked where it was called.
    const writes = createTableWrites(file.database) as Operations;
    const perform = (name: string, argument: unknown): unknown => {
      if (inPlace.has(name)) file.checkPlace();
      return writes[name]?.(argument as never);
    };
    const { database, epoch, storeId } = file;
    const reached = reachedPath === undefined ? undefined : openReachedFile(reachedPath);
    const onCommit = (checks: number): void => reached?.note({ storeId, epoch, checks });
    writer = { file, reached, commit: createGroupCommit({ database, epoch, perform, onCommit }) };
  },
  checkPlace: () => writer?.file.checkPlace(),
  truncateLog: () => {
    writer?.file.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  },
  close: () => {
    writer?.reached?.close();
    writer?.file.close();
    writer = undefined;
  },
};

function isControl({ name }: Call): boolean {
  return name in control;
}

function answer(calls: readonly Call[]): readonly Answer[] {
  const next = calls.findIndex(isControl);
  const group = next < 0 ? calls : calls.slice(0, next);
  if (group.length > 0 && writer !== undefined) return writer.commit(group);
  return calls.slice(0, 1).map((call) => answerAlone(call, performControl));
}

function performControl({ name, argument }: Call): unknown {
  if (!(name in control)) throw storageFault('closed', 'the storage is not open');
  // As above.
  return (control as Operations)[name]?.(argument as never);
}

/** After the answers, so that nobody waits for the copying. */
function checkpoint(): void {
  const database = writer?.file.database;
  const pages = database?.prepare('PRAGMA wal_checkpoint(NOOP)').get()?.['log'];
  if (Number(pages) < fixedBounds.checkpointPages) return;
  try {
    database?.exec('PRAGMA wal_checkpoint(PASSIVE)');
  } catch {
    // The log keeps what could not be copied; the next commit tries again, and says what is wrong where it matters.
  }
}

serveCalls(answer, { callsMax: fixedBounds.writesPerCommitMax, afterAnswers: checkpoint });

import type { SealedPlace } from '@modelhost/engine-embedded';
import { toStorageFault } from '../fault.ts';
import { payloadColumns, readPayloadOrNone } from '../payload.ts';
import { openReaderFile } from '../store-file.ts';

/** A text that somebody has sealed, and what for. */
export interface SealedText {
  readonly place: SealedPlace;
  /** Empty when it is not what was written. */
  readonly bytes: Uint8Array;
}

/** What is kept of one kind: `owner` changes where the numbers of parts begin anew. */
interface Kind {
  readonly select: string;
  readonly partOf: (row: Readonly<Record<string, unknown>>, index: number) => string;
}

const ofRun = (table: string, more: string, order: string): string =>
  `SELECT run.ordinal AS owner, run.tenant, run.run_id AS id, ${more} ${columnsOf(table)}
   FROM ${table} JOIN run ON run.ordinal = ${table}.run LEFT JOIN blob ON blob.id = ${table}.blob ORDER BY ${order}`;

/** In this order: the status of the newest run comes first. */
const kinds: readonly Kind[] = [
  {
    select: `SELECT ordinal AS owner, tenant, run_id AS id, ${columnsOf('run')}
      FROM run LEFT JOIN blob ON blob.id = run.blob ORDER BY ordinal DESC`,
    partOf: () => 'status',
  },
  {
    select: `SELECT ordinal AS owner, tenant, session_id AS id, ${columnsOf('session')}
      FROM session LEFT JOIN blob ON blob.id = session.blob ORDER BY ordinal DESC`,
    partOf: () => 'session',
  },
  { select: ofRun('run_input', '', 'run_input.run'), partOf: () => 'input' },
  {
    select: ofRun('entry', '', 'entry.run, entry.id'),
    partOf: (_row, index) => `entry/${index}`,
  },
  {
    select: ofRun('event', 'first_sequence,', 'event.run, event.last_sequence'),
    partOf: (row) => `events/${String(row['first_sequence'])}`,
  },
  {
    select: ofRun('signal', 'signal.name,', 'signal.run, signal.id'),
    partOf: (row) => `signal/${String(row['name'])}`,
  },
  {
    select: `SELECT turn AS owner, tenant, run_id AS id, ${columnsOf('session_piece')}
      FROM session_piece JOIN session_turn ON session_turn.id = session_piece.turn
      LEFT JOIN blob ON blob.id = session_piece.blob ORDER BY turn, session_piece.id`,
    partOf: (_row, index) => `turn/${index}`,
  },
];

/** `payloadColumns`, with the table that has the first two. */
function columnsOf(table: string): string {
  return payloadColumns.replace('body, blob', `${table}.body, ${table}.blob`);
}

/**
 * Every sealed text in the store of a directory, as it is at this moment, also while a host has it open. Reads in the thread of whoever
 * asks: for commands, and for a look at the first few. Throws `storage_unavailable` with the remedy.
 */
export function* readSealedTexts(directory: string): Generator<SealedText, void> {
  const database = openReaderFile(directory);
  try {
    database.exec('BEGIN');
    for (const { select, partOf } of kinds) {
      let owner: unknown;
      let index = 0;
      for (const row of database.prepare(select).iterate()) {
        index = row['owner'] === owner ? index + 1 : 0;
        ({ owner } = row);
        const place = {
          tenant: String(row['tenant']),
          runId: String(row['id']),
          part: partOf(row, index),
        };
        yield { place, bytes: readPayloadOrNone(row) };
      }
    }
  } catch (thrown) {
    throw toStorageFault(thrown, directory);
  } finally {
    database.close();
  }
}

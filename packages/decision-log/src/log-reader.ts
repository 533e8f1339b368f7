import { setImmediate } from 'node:timers/promises';
import type { Keys } from '@modelhost/kernel';
import type { RecordedDecision } from '@modelhost/policy-engine';
import { logBounds } from './bounds.ts';
import { openRow } from './entry.ts';
import type { LoggedDecision } from './entry.ts';
import type { RowFilter, RowQuery, StoredRow } from './log-file.ts';
import { createPageToken, readPageToken } from './page-token.ts';
import { checkQuery } from './query.ts';
import type { PageQuery } from './query.ts';

/** Decisions of a page, newest first. */
export interface DecisionPage {
  readonly decisions: readonly LoggedDecision[];
  /** Undefined when there is nothing older. */
  readonly nextPageToken: string | undefined;
}

/** Reads and opens what is on file. */
export interface LogReader {
  page(query: PageQuery): Promise<DecisionPage>;
  recorded(filter: RowFilter): AsyncIterable<RecordedDecision>;
  /** Entries that were met and left out, since they do not open. */
  unreadable(): number;
}

/** What a reader needs. */
export interface LogReaderOptions {
  readonly keys: Keys;
  readonly read: (query: RowQuery) => Promise<readonly StoredRow[]>;
  /** Where a reading that begins now has to end. */
  readonly newestId: () => Promise<number>;
  /** Told of the first entry that does not open. */
  readonly onFault: (fault: unknown) => void;
}

/** A few rows at a time, so that other work goes on in between. */
export function createLogReader({ keys, read, newestId, onFault }: LogReaderOptions): LogReader {
  let unreadable = 0;

  async function* rowsOf(
    query: Pick<RowQuery, 'filter' | 'order' | 'after'>,
  ): AsyncGenerator<StoredRow, void> {
    const idMax = await newestId();
    const rowsMax = logBounds.readRows;
    let { after } = query;
    for (;;) {
      const rows = await read({ ...query, after, idMax, rowsMax });
      let bytes = 0;
      for (const row of rows) {
        yield row;
        bytes += row.sealed.length;
        if (bytes < logBounds.openedBytes) continue;
        // To open large ones takes milliseconds each, and others are being served.
        bytes = 0;
        await setImmediate();
      }
      after = rows.at(-1);
      if (rows.length < rowsMax) return;
    }
  }

  function open(row: StoredRow): LoggedDecision | undefined {
    try {
      return openRow(keys, row);
    } catch (thrown) {
      if (unreadable === 0) onFault(thrown);
      unreadable += 1;
      return undefined;
    }
  }

  async function page(query: PageQuery): Promise<DecisionPage> {
    checkQuery(query);
    const { pageSize, pageToken = '', ...filter } = query;
    const after = pageToken === '' ? undefined : readPageToken(keys, filter, pageToken);
    const decisions: LoggedDecision[] = [];
    let last: StoredRow | undefined;
    for await (const row of rowsOf({ filter, order: 'newest', after })) {
      if (last !== undefined && decisions.length === pageSize) {
        return { decisions, nextPageToken: createPageToken(keys, filter, last) };
      }
      last = row;
      const decision = open(row);
      if (decision !== undefined) decisions.push(decision);
    }
    return { decisions, nextPageToken: undefined };
  }

  async function* recorded(filter: RowFilter): AsyncGenerator<RecordedDecision, void> {
    checkQuery(filter);
    for await (const row of rowsOf({ filter, order: 'oldest', after: undefined })) {
      const decision = open(row);
      if (decision !== undefined) yield decision;
    }
  }

  return { page, recorded, unreadable: () => unreadable };
}

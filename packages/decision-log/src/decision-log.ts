import { HostError } from '@modelhost/kernel';
import type { Keys, Redactor } from '@modelhost/kernel';
import type { RecordedDecision } from '@modelhost/policy-engine';
import { logBounds } from './bounds.ts';
import { digestSubject } from './entry.ts';
import type { LogEntry } from './entry.ts';
import { openFileThread } from './file-client.ts';
import type { Retention, RowFilter } from './log-file.ts';
import { createLogReader } from './log-reader.ts';
import type { DecisionPage } from './log-reader.ts';
import type { PageQuery } from './query.ts';
import { createWriteQueue } from './write-queue.ts';

/** Where decisions are kept, and for how long. */
export interface DecisionLogOptions {
  /** The database; made with mode 0600, and its directory, when there is none. */
  readonly path: string;
  readonly keys: Keys;
  /** What is hidden always, and what a decision hides, it keeps out of the arguments. */
  readonly redactor: Redactor;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Decisions older than so many days are removed, within a minute. At least 1. */
  readonly keepDays: number;
  /** Past so many the oldest are removed. At least 1. */
  readonly entriesMax: number;
  /** Told, for the log of the host, when writing begins to fail, or something on file cannot be read. */
  readonly onFault: (fault: unknown) => void;
}

/** How the log is doing. */
export interface DecisionLogStatistics {
  /** On file. */
  readonly entries: number;
  /** Appended, and not known to be on file. */
  readonly waiting: number;
  /** Lost since the start: the queue was full, the entry too large, or the file could not be written until the end. */
  readonly dropped: number;
  /** Met on file since the start, and left out, since they do not open: of another key, or changed. */
  readonly unreadable: number;
  /** Whether the last attempt to write failed. */
  readonly isFailing: boolean;
}

/** What policy decided. */
export interface DecisionLog {
  /**
   * Keeps the decision in memory and writes it later, at most a quarter of a second. Never blocks and never throws; neither
   * request nor decision may be changed afterwards. A crash loses what was not written.
   */
  append(entry: LogEntry): void;
  /** Rejects with `validation_failed` for a query that cannot be answered. */
  page(query: PageQuery): Promise<DecisionPage>;
  /** Oldest first, up to the newest at the start. Nothing is locked between two of them, so what is removed meanwhile may be missing. */
  recorded(query: RowFilter): AsyncIterable<RecordedDecision>;
  /**
   * Removes what was decided for this subject, and writes the file anew, so that no trace stays in it; that takes as long as
   * copying it, and as much room. Resolves to the number of removed decisions. After a failure it can simply be called again.
   */
  erase(tenant: string, subject: string): Promise<number>;
  statistics(): DecisionLogStatistics;
  /** How many there are of the tenant, with those that wait if they can be written. */
  entriesOf(tenant: string): Promise<number>;
  /** Resolves when everything appended before is on file; rejects when it cannot be written now. */
  flush(): Promise<void>;
  /** Writes what waits, if it can be written, and lets go of the file. */
  close(): Promise<void>;
}

const dayMs = 86_400_000;

/**
 * Opens the log, or begins a new one. Rejects with `storage_unavailable` and the remedy for a file that is damaged, newer, of something
 * else or not writable, or that another process has.
 */
export async function openDecisionLog(options: DecisionLogOptions): Promise<DecisionLog> {
  const { path, keys, redactor, now, keepDays, entriesMax, onFault } = options;
  checkRetention(keepDays, entriesMax);
  const file = await openFileThread(path);
  const retention = (): Retention => ({ sinceMs: now() - keepDays * dayMs, entriesMax });
  const queue = createWriteQueue({
    keys,
    redactor,
    entriesMax: logBounds.queueMax,
    onFault,
    write: async (rows) => {
      await file.ask({ kind: 'insert', rows, retention: retention() });
    },
  });

  let trimmedAtMs = now();

  async function trimIfDue(): Promise<void> {
    const nowMs = now();
    if (Math.abs(nowMs - trimmedAtMs) < logBounds.trimMs) return;
    trimmedAtMs = nowMs;
    await file.ask({ kind: 'trim', retention: retention() });
  }

  const timer = setInterval(() => {
    queue.flush().catch(ignore);
    trimIfDue().catch(onFault);
  }, logBounds.flushMs).unref();

  const reader = createLogReader({
    keys,
    onFault,
    read: async (query) => (await file.ask({ kind: 'read', query })).rows,
    // A reader sees what it did before, unless that cannot be written.
    newestId: async () => {
      await queue.flush().catch(ignore);
      return file.state().lastId;
    },
  });

  return {
    append: (entry) => queue.append(entry),
    page: (query) => reader.page(query),
    recorded: (query) => reader.recorded(query),
    erase: async (tenant, subject) => {
      await queue.flush();
      const { removed } = await file.ask({
        kind: 'erase',
        subject: digestSubject(keys, tenant, subject),
      });
      return removed;
    },
    statistics: () => ({
      entries: file.state().entries,
      waiting: queue.waiting(),
      dropped: queue.dropped(),
      unreadable: reader.unreadable(),
      isFailing: queue.isFailing(),
    }),
    entriesOf: async (tenant) => {
      await queue.flush().catch(ignore);
      return (await file.ask({ kind: 'count', tenant })).counted;
    },
    flush: async () => {
      await queue.flush();
      await trimIfDue();
    },
    close: async () => {
      clearInterval(timer);
      await queue.close();
      await file.close();
    },
  };
}

function checkRetention(keepDays: number, entriesMax: number): void {
  for (const [name, value] of Object.entries({ keepDays, entriesMax })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new HostError('config_invalid', `${name}: must be a whole number of at least 1`);
  }
}

/** The queue tells of it. */
function ignore(): void {}

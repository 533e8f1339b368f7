import type { DatabaseSync } from 'node:sqlite';
import { HostError } from '@modelhost/kernel';
import { storageFault, toStorageFault } from '../fault.ts';
import { refuse } from './messages.ts';
import type { Answer, Call } from './messages.ts';

/** What `createGroupCommit` works on. */
export interface GroupCommitOptions {
  readonly database: DatabaseSync;
  /** Of the opening that writes. */
  readonly epoch: number;
  /** Does what a call asks within the transaction that is open. It keeps nothing in memory, since it may be done again. */
  readonly perform: (name: string, argument: unknown) => unknown;
  /** A transaction is durable: how far the store got with it. */
  readonly onCommit: (checks: number) => void;
}

/** A call that failed, and why the first of its subject did. */
interface FailedCall {
  readonly number: number;
  readonly fault: HostError;
}

/** Durable when it returns. A call that fails takes nobody else with it, apart from what was sent after it without knowing. */
export type GroupCommit = (calls: readonly Call[]) => readonly Answer[];

/** Commits calls as a group, and one by one only when the group failed. */
export function createGroupCommit(options: GroupCommitOptions): GroupCommit {
  const { database, epoch, perform, onCommit } = options;
  const raiseChecks = database.prepare(
    'UPDATE owner SET checks = checks + 1 WHERE id = 1 AND epoch = ? RETURNING checks',
  );
  /** By subject, the last call that failed, until the other side knows of it. */
  const failed = new Map<string, FailedCall>();

  /** Each transaction says that it was there, so that none can be lost unseen. */
  function raise(): number {
    const row = raiseChecks.get(epoch);
    if (row !== undefined) return Number(row['checks']);
    throw storageFault('fenced', 'another host has taken over this data directory; stop this one');
  }

  function transact(calls: readonly Call[]): readonly Answer[] {
    database.exec('BEGIN IMMEDIATE');
    try {
      const checks = raise();
      const answers = calls.map(({ number, name, argument }) => ({
        number,
        result: perform(name, argument),
      }));
      database.exec('COMMIT');
      onCommit(checks);
      return answers;
    } catch (thrown) {
      // SQLite itself has rolled back after some faults.
      if (database.isTransaction) database.exec('ROLLBACK');
      throw thrown;
    }
  }

  /** The failure of its subject that the other side did not know of when it sent the call. */
  function failureBefore({ subject, answered }: Call): FailedCall | undefined {
    const before = subject === undefined ? undefined : failed.get(subject);
    return before !== undefined && before.number > answered ? before : undefined;
  }

  function commitAlone(call: Call): Answer {
    const { number, subject } = call;
    const before = failureBefore(call);
    try {
      if (before !== undefined) throw skipped(before.fault);
      const [answer] = transact([call]);
      return answer ?? { number, result: undefined };
    } catch (thrown) {
      const fault = toStorageFault(thrown);
      if (subject !== undefined) failed.set(subject, { number, fault: before?.fault ?? fault });
      return refuse(call, fault);
    }
  }

  return (calls) => {
    const answered = calls[0]?.answered ?? 0;
    for (const [subject, { number }] of failed) {
      if (number <= answered) failed.delete(subject);
    }
    if (calls.some(failureBefore)) return calls.map(commitAlone);
    try {
      return transact(calls);
    } catch {
      return calls.map(commitAlone);
    }
  };
}

/** For the same reason: what was sent after it would leave a hole. */
function skipped({ facts, message }: HostError): HostError {
  return new HostError('storage_unavailable', `a write before this one failed: ${message}`, {
    facts,
  });
}

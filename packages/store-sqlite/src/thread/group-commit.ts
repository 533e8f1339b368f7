import type { DatabaseSync } from 'node:sqlite';
import type { HostError } from '@modelhost/kernel';
import { storageFault, toStorageFault } from '../fault.ts';
import { toThreadFault } from './messages.ts';
import type { Answer, Call } from './messages.ts';

/** What `createGroupCommit` works on. */
export interface GroupCommitOptions {
  readonly database: DatabaseSync;
  /** Of the opening that writes. */
  readonly epoch: number;
  /** Does what a call asks within the transaction that is open. It keeps nothing in memory, since it may be done again. */
  readonly perform: (name: string, argument: unknown) => unknown;
}

/** Durable when it returns. A call that fails takes nobody else with it, apart from what was sent after it without knowing. */
export type GroupCommit = (calls: readonly Call[]) => readonly Answer[];

/** Commits calls as a group, and one by one only when the group failed. */
export function createGroupCommit({ database, epoch, perform }: GroupCommitOptions): GroupCommit {
  const readEpoch = database.prepare('SELECT epoch FROM owner WHERE id = 1');
  /** By subject, the last call that failed, until the other side knows of it. */
  const failed = new Map<string, number>();

  function checkEpoch(): void {
    if (Number(readEpoch.get()?.['epoch']) === epoch) return;
    throw storageFault('fenced', 'another host has taken over this data directory; stop this one');
  }

  function transact(calls: readonly Call[]): readonly Answer[] {
    database.exec('BEGIN IMMEDIATE');
    try {
      checkEpoch();
      const answers = calls.map(({ number, name, argument }) => ({
        number,
        result: perform(name, argument),
      }));
      database.exec('COMMIT');
      return answers;
    } catch (thrown) {
      // SQLite itself has rolled back after some faults.
      if (database.isTransaction) database.exec('ROLLBACK');
      throw thrown;
    }
  }

  function isAfterFailure({ subject, answered }: Call): boolean {
    return subject !== undefined && (failed.get(subject) ?? 0) > answered;
  }

  function commitAlone(call: Call): Answer {
    const { number, subject } = call;
    try {
      if (isAfterFailure(call)) throw skipped();
      const [answer] = transact([call]);
      return answer ?? { number, result: undefined };
    } catch (thrown) {
      if (subject !== undefined) failed.set(subject, number);
      return { number, fault: toThreadFault(toStorageFault(thrown)) };
    }
  }

  return (calls) => {
    const answered = calls[0]?.answered ?? 0;
    for (const [subject, number] of failed) if (number <= answered) failed.delete(subject);
    if (calls.some(isAfterFailure)) return calls.map(commitAlone);
    try {
      return transact(calls);
    } catch {
      return calls.map(commitAlone);
    }
  };
}

function skipped(): HostError {
  return storageFault('unusable', 'a write before this one failed, and it was not done either');
}

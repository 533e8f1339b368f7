import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { storageFault } from '../fault.ts';
import { createGroupCommit } from './group-commit.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Answer, Call } from './messages.ts';

test('a group is one transaction', () => {
  withCommit(({ commit, rows, commits }) => {
    const answers = commit([call(1, 'a'), call(2, 'b'), call(3, 'c')]);
    assert.deepEqual(answers.map(outcomeOf), ['done', 'done', 'done']);
    assert.deepEqual(rows(), ['a', 'b', 'c']);
    assert.equal(commits(), 1);
  });
});

test('how far the store got is told once that is durable, and goes up with each transaction', () => {
  withCommit(({ commit, told, database }) => {
    commit([call(1, 'a'), call(2, 'b')]);
    assert.deepEqual(told, [1]);
    commit([call(3, 'half')]);
    assert.deepEqual(told, [1]);
    commit([call(4, 'half'), call(5, 'c'), call(6, 'd')]);
    assert.deepEqual(told, [1, 2, 3]);
    assert.equal(database.prepare('SELECT checks FROM owner').get()?.['checks'], 3);
  });
});

test('a call that fails leaves nothing, and the others are done', () => {
  withCommit(({ commit, rows }) => {
    const answers = commit([call(1, 'a'), call(2, 'half'), call(3, 'c')]);
    assert.deepEqual(answers.map(outcomeOf), ['done', 'internal', 'done']);
    assert.deepEqual(rows(), ['a', 'c']);
  });
});

test('after a failure, calls of the same subject that were sent without knowing are refused', () => {
  withCommit(({ commit, rows }) => {
    assert.deepEqual(
      commit([call(1, 'half', 'x'), call(2, 'a', 'x'), call(3, 'b', 'y')]).map(outcomeOf),
      ['internal', 'storage_unavailable', 'done'],
    );
    // Sent when only the answer to the first had arrived, and then when all had.
    assert.deepEqual(commit([call(4, 'c', 'x', 1)]).map(outcomeOf), ['storage_unavailable']);
    assert.deepEqual(commit([call(5, 'd', 'x', 4)]).map(outcomeOf), ['done']);
    assert.deepEqual(rows(), ['b', 'd']);
    // Of two in one commit, the second knows more.
    assert.deepEqual(commit([call(6, 'half', 'x', 5)]).map(outcomeOf), ['internal']);
    assert.deepEqual(commit([call(7, 'e', 'y', 5), call(8, 'f', 'x', 6)]).map(outcomeOf), [
      'done',
      'done',
    ]);
  });
});

test('calls without a subject follow none', () => {
  withCommit(({ commit, rows }) => {
    commit([call(1, 'half'), call(2, 'a')]);
    assert.deepEqual(rows(), ['a']);
  });
});

test('what is refused after a failure is refused for its reason', () => {
  withCommit(({ commit }) => {
    const answers = commit([call(1, 'full', 'x'), call(2, 'a', 'x'), call(3, 'b', 'x')]);
    for (const answer of answers) {
      assert.equal('fault' in answer && answer.fault.facts['reason'], 'disk_full');
    }
  });
});

test('who was overtaken is fenced off for good', () => {
  withCommit(({ commit, rows, database }) => {
    commit([call(1, 'a')]);
    database.exec('UPDATE owner SET epoch = epoch + 1');
    for (const number of [2, 3]) {
      const [answer] = commit([call(number, 'b')]);
      assert.equal(answer && 'fault' in answer && answer.fault.facts['reason'], 'fenced');
    }
    assert.deepEqual(rows(), ['a']);
  });
});

interface Bench {
  readonly database: DatabaseSync;
  readonly commit: GroupCommit;
  readonly rows: () => readonly string[];
  /** How many transactions changed something. */
  readonly commits: () => number;
  /** How far the store got, as it was told after each commit. */
  readonly told: readonly number[];
}

function withCommit(body: (bench: Bench) => void): void {
  using database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE owner (id, epoch, checks); INSERT INTO owner VALUES (1, 7, 0)');
  database.exec('CREATE TABLE text (text)');
  const insert = database.prepare('INSERT INTO text VALUES (?)');
  const perform = (_name: string, argument: unknown): void => {
    insert.run(String(argument));
    if (argument === 'full') throw storageFault('disk_full', 'no room');
    if (argument === 'half') throw new HostError('internal', 'after the first half');
  };
  const told: number[] = [];
  let begun = 0;
  database.setAuthorizer((_code, operation) => {
    if (operation === 'BEGIN') begun += 1;
    return 0;
  });
  body({
    database,
    commit: createGroupCommit({
      database,
      epoch: 7,
      perform,
      onCommit: (checks) => told.push(checks),
    }),
    told,
    rows: () =>
      database
        .prepare('SELECT text FROM text')
        .all()
        .map(({ text }) => String(text)),
    commits: () => begun,
  });
}

function call(number: number, argument: string, subject?: string, answered = 0): Call {
  return { number, name: 'insert', argument, subject, answered };
}

function outcomeOf(answer: Answer): string {
  return 'fault' in answer ? answer.fault.code : 'done';
}

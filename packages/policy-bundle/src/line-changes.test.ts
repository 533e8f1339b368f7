import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareLines, type LineChange } from './line-changes.ts';

function side(changes: readonly LineChange[], type: 'removed' | 'added'): string {
  return changes
    .filter((change) => change.type === 'same' || change.type === type)
    .map(({ line }) => line)
    .join('');
}

function show(before: string, after: string): string {
  const signs = { same: '', removed: '-', added: '+' };
  return compareLines(before, after)
    .map(({ type, line }) => `${signs[type]}${line.trimEnd()}`)
    .join(' ');
}

/** Length of the longest common subsequence, by the table of the textbook. */
function commonLines(old: readonly string[], fresh: readonly string[]): number {
  let row: readonly number[] = fresh.map(() => 0);
  for (const line of old) {
    const next: number[] = [];
    for (const [index, other] of fresh.entries()) {
      const corner = row[index - 1] ?? 0;
      next.push(line === other ? corner + 1 : Math.max(row[index] ?? 0, next[index - 1] ?? 0));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

test('both texts come back from the changes, and no line is changed needlessly', () => {
  const text = fc.array(fc.constantFrom('a\n', 'b\n', 'c\n', '\n'), { maxLength: 24 });
  fc.assert(
    fc.property(text, text, (old, fresh) => {
      const changes = compareLines(old.join(''), fresh.join(''));
      assert.equal(side(changes, 'removed'), old.join(''));
      assert.equal(side(changes, 'added'), fresh.join(''));
      const same = changes.filter(({ type }) => type === 'same').length;
      assert.equal(same, commonLines(old, fresh));
    }),
    { numRuns: 300 },
  );
});

test('a changed line stands between those that stay', () => {
  assert.equal(show('a\nb\nc\n', 'a\nx\nc\n'), 'a -b +x c');
  assert.equal(show('', 'a\nb\n'), '+a +b');
  assert.equal(show('a\nb\n', ''), '-a -b');
  assert.equal(show('a\nb', 'a\nb\n'), 'a -b +b');
  assert.deepEqual(compareLines('', ''), []);
});

test('past the bound of work the middle is shown as replaced', () => {
  const lines = (letter: string): string =>
    Array.from({ length: 400 }, (_, index) => `${letter}${index}\nsame\n`).join('');
  const changes = compareLines(`head\n${lines('a')}tail\n`, `head\n${lines('b')}tail\n`);
  assert.deepEqual(
    changes.filter(({ type }) => type === 'same').map(({ line }) => line),
    ['head\n', 'same\n', 'tail\n'],
  );
  assert.equal(side(changes, 'removed'), `head\n${lines('a')}tail\n`);
  assert.equal(side(changes, 'added'), `head\n${lines('b')}tail\n`);
});

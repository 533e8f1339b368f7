import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toTable } from './output.ts';

test('a very long cell moves its own line only', () => {
  const long = 'x'.repeat(100);
  assert.equal(
    toTable(
      ['KEY', 'VALUE', 'FROM'],
      [
        ['a', long, 'file'],
        ['bb', '1', 'default'],
      ],
    ),
    `KEY  ${'VALUE'.padEnd(60)}  FROM\na    ${long}  file\nbb   ${'1'.padEnd(60)}  default\n`,
  );
});

test('columns are as wide as their widest cell', () => {
  assert.equal(toTable(['A', 'B'], [['one', '2']]), 'A    B\none  2\n');
});

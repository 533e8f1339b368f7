import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createLineSplitter } from './line-splitter.ts';

test('lines come out the same however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\r\n]/g, ''))),
      fc.array(fc.nat({ max: 40 })),
      (lines, cuts) => {
        const seen: string[] = [];
        const splitter = createLineSplitter(1_000_000, (line) => seen.push(line));
        let rest = Buffer.from(lines.map((line) => `${line}\r\n`).join(''));
        for (const cut of cuts) {
          assert.equal(splitter.push(rest.subarray(0, cut)), true);
          rest = rest.subarray(cut);
        }
        assert.equal(splitter.push(rest), true);
        assert.deepEqual(
          seen,
          lines.map((line) => line.toWellFormed()),
        );
      },
    ),
  );
});

test('a line beyond the bound ends the reading, and nothing after it is given out', () => {
  const seen: string[] = [];
  const splitter = createLineSplitter(4, (line) => seen.push(line));
  assert.equal(splitter.push(Buffer.from('1234\n123')), true);
  assert.equal(splitter.push(Buffer.from('45\nab\n')), false);
  assert.equal(splitter.push(Buffer.from('cd\n')), false);
  assert.deepEqual(seen, ['1234']);
});

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createLineSplitter, endBytesMax } from './line-splitter.ts';
import type { LineEnds, LineSplitter } from './line-splitter.ts';

interface Reading {
  readonly splitter: LineSplitter;
  readonly seen: readonly (string | LineEnds)[];
}

function startReading(lineBytesMax: number, droppedBytesMax: number, goesOn = true): Reading {
  const seen: (string | LineEnds)[] = [];
  const splitter = createLineSplitter({
    lineBytesMax,
    droppedBytesMax,
    onLine: (line) => seen.push(line),
    onDropped: (ends) => {
      seen.push(ends);
      return goesOn;
    },
  });
  return { splitter, seen };
}

function pushInParts(splitter: LineSplitter, bytes: Buffer, cuts: readonly number[]): void {
  let rest = bytes;
  for (const cut of cuts) {
    assert.equal(splitter.push(rest.subarray(0, cut)), true);
    rest = rest.subarray(cut);
  }
  assert.equal(splitter.push(rest), true);
}

test('lines come out the same however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\r\n]/g, ''))),
      fc.array(fc.nat({ max: 40 })),
      (lines, cuts) => {
        const { splitter, seen } = startReading(1_000_000, 1_000_000);
        pushInParts(splitter, Buffer.from(lines.map((line) => `${line}\r\n`).join('')), cuts);
        assert.deepEqual(
          seen,
          lines.map((line) => line.toWellFormed()),
        );
      },
    ),
  );
});

test('lines beyond the bound come out as their ends, the others whole, however the bytes are cut', () => {
  const lineLength = fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 3_000 }));
  fc.assert(
    fc.property(
      fc.array(lineLength, { maxLength: 8 }),
      fc.array(fc.nat({ max: 700 })),
      fc.constantFrom(0, 10, endBytesMax, 1_500),
      (lengths, cuts, lineBytesMax) => {
        const lines = lengths.map((length, line) =>
          Array.from({ length }, (_, index) => String((index * 7 + line) % 10)).join(''),
        );
        const { splitter, seen } = startReading(lineBytesMax, 3_000);
        pushInParts(splitter, Buffer.from(lines.map((line) => `${line}\n`).join('')), cuts);
        assert.deepEqual(
          seen,
          lines.map((line) =>
            line.length <= lineBytesMax
              ? line
              : { head: line.slice(0, endBytesMax), tail: line.slice(-endBytesMax) },
          ),
        );
      },
    ),
  );
});

test('a line too long to be dropped ends the reading before its end, and nothing after it is given out', () => {
  const { splitter, seen } = startReading(4, 8);
  assert.equal(splitter.push(Buffer.from('1234\n12345')), true);
  assert.equal(splitter.push(Buffer.from('678')), true);
  assert.equal(splitter.push(Buffer.from('9')), false);
  assert.equal(splitter.push(Buffer.from('\nab\n')), false);
  assert.deepEqual(seen, ['1234']);
});

test('a line within its bound is given out whole, even when fewer bytes would be dropped', () => {
  const { splitter, seen } = startReading(8, 4);
  assert.equal(splitter.push(Buffer.from('12345678\n')), true);
  assert.deepEqual(seen, ['12345678']);
});

test('the reading ends with a dropped line that its owner cannot do without', () => {
  const { splitter, seen } = startReading(4, 100, false);
  assert.equal(splitter.push(Buffer.from('ab\n12345\ncd\n')), false);
  assert.equal(splitter.push(Buffer.from('ef\n')), false);
  assert.deepEqual(seen, ['ab', { head: '12345', tail: '12345' }]);
});

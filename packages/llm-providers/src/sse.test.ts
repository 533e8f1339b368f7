import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import fc from 'fast-check';

import { createSseReader } from './sse.ts';

/** Reads bytes in pieces; undefined where the reader refuses them. */
function read(
  pieces: readonly Uint8Array[],
  eventCharactersMax = 1_000,
): readonly string[] | undefined {
  const found: string[] = [];
  const reader = createSseReader({ eventCharactersMax, onData: (data) => found.push(data) });
  try {
    for (const piece of pieces) reader.feed(piece);
    reader.end();
  } catch (error) {
    assert.ok(error instanceof RangeError, String(error));
    return undefined;
  }
  return found;
}

function readText(text: string, eventCharactersMax?: number): readonly string[] | undefined {
  return read([Buffer.from(text)], eventCharactersMax);
}

suite('the event stream reader', () => {
  test('knows every line end, names, comments, several data lines and the byte order mark', () => {
    assert.deepEqual(readText('data: a\n\ndata: b\n\n'), ['a', 'b']);
    assert.deepEqual(readText('data: a\r\n\r\ndata: b\r\n\r\n'), ['a', 'b']);
    assert.deepEqual(readText('data: a\r\rdata: b\r\r'), ['a', 'b']);
    assert.deepEqual(readText('event: x\nid: 1\nretry: 5\n: note\ndata: a\nfoo: y\n\n'), ['a']);
    assert.deepEqual(readText('data: a\ndata\ndata:b\n\n'), ['a\n\nb']);
    assert.deepEqual(readText('\uFEFFdata: a\n\n'), ['a']);
    assert.deepEqual(readText('data: {"x":\ndata: 1}\nevent: late\n\n'), ['{"x":\n1}']);
  });

  test('hands out a last event without its blank line, and nothing where there is none', () => {
    assert.deepEqual(readText('data: a\n\ndata: [DONE]'), ['a', '[DONE]']);
    assert.deepEqual(readText('data: a\r'), ['a']);
    assert.deepEqual(readText('event: x\n\n'), []);
    assert.deepEqual(readText(''), []);
  });

  test('invalid UTF-8 does not stop it', () => {
    const bytes = Buffer.concat([Buffer.from('data: a'), Buffer.from([0xff]), Buffer.from('\n\n')]);
    assert.deepEqual(read([bytes]), ['a\uFFFD']);
  });

  const line = fc.constantFrom('data: é', 'data:😀', 'data: x', 'event: n', ': c', '', '', 'data');
  const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
  const stream = fc.tuple(fc.array(line, { maxLength: 30 }), lineEnd).map(([lines, end]) =>
    // Another line at the end keeps a final CR from being read as half of CRLF.
    Buffer.from([...lines, ': end', ''].join(end)),
  );

  test('no way to cut a stream changes its events', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 20 }), (bytes, cuts) => {
        const places = [...cuts.map((at) => at % (bytes.length + 1)), bytes.length];
        let from = 0;
        const pieces = places
          .sort((a, b) => a - b)
          .map((to) => {
            const piece = bytes.subarray(from, to);
            from = to;
            return piece;
          });
        assert.deepEqual(read(pieces), read([bytes]));
      }),
    );
  });

  test('the bound on an event holds for every way to cut it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 90, max: 110 }),
        (pieceLength, length) => {
          const bytes = Buffer.from(`data: ${'x'.repeat(length)}\n\n`);
          const pieces: Buffer[] = [];
          for (let at = 0; at < bytes.length; at += pieceLength) {
            pieces.push(bytes.subarray(at, at + pieceLength));
          }
          assert.deepEqual(read(pieces, 100), length > 100 ? undefined : ['x'.repeat(length)]);
        },
      ),
    );
  });

  test('the bound holds for lines without end and for events of many lines', () => {
    assert.equal(readText(`data: ${'x'.repeat(10_000)}`, 100), undefined);
    // A line that can be no field is skipped without being kept.
    assert.deepEqual(readText(`${'x'.repeat(10_000)}\ndata: a\n\n`, 100), ['a']);
    assert.equal(readText('data: x\n'.repeat(1_000), 100), undefined);
    assert.deepEqual(readText('data: x\n\n'.repeat(1_000), 100)?.length, 1_000);
  });
});

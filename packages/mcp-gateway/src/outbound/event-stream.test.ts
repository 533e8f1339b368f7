import assert from 'node:assert/strict';
import test from 'node:test';
import { HostError } from '@modelhost/kernel';
import fc from 'fast-check';
import { parseEvents } from './event-stream.ts';
import type { StreamEvent } from './event-stream.ts';

const bounds = { server: 'notes', messageBytesMax: 1_000 };

async function* feed(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function parse(
  chunks: readonly Uint8Array[],
  messageBytesMax = 1_000,
): Promise<StreamEvent[]> {
  return await Array.fromAsync(parseEvents(feed(chunks), { ...bounds, messageBytesMax }));
}

async function parseText(text: string): Promise<StreamEvent[]> {
  return await parse([Buffer.from(text)]);
}

function cut(bytes: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort(
    (a, b) => a - b,
  );
  return [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

const lineText = fc.string({ unit: 'binary' }).map((text) => text.replaceAll(/[\r\n]/g, '·'));
const lineEnd = fc.constantFrom('\n', '\r\n', '\r');

test('events are what the server wrote, however the stream is cut', async () => {
  const written = fc.record({
    event: fc.option(fc.constantFrom('message', 'ping', 'wörter'), { nil: undefined }),
    data: fc.array(lineText, { minLength: 1, maxLength: 3 }),
    id: fc.option(fc.stringMatching(/^\w{0,5}$/), { nil: undefined }),
    retryMs: fc.option(fc.nat({ max: 100_000 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(written, { maxLength: 4 }),
      lineEnd,
      fc.boolean(),
      fc.array(fc.nat(), { maxLength: 12 }),
      async (events, end, hasSpace, places) => {
        const gap = hasSpace ? ' ' : '';
        const lines = events.flatMap(({ event, data, id, retryMs }) => [
          ': a comment',
          ...(event === undefined ? [] : [`event:${gap}${event}`]),
          ...data.map((line) => `data:${hasSpace ? ' ' : line.startsWith(' ') ? ' ' : ''}${line}`),
          ...(id === undefined ? [] : [`id:${gap}${id}`]),
          ...(retryMs === undefined ? [] : [`retry:${gap}${retryMs}`]),
          '',
        ]);
        const bytes = Buffer.from(lines.map((line) => line + end).join(''));
        const expected = events.map(({ event = 'message', data, id, retryMs }) => ({
          event,
          // What is not Unicode becomes the replacement character on its way through UTF-8.
          data: Buffer.from(data.join('\n')).toString('utf8'),
          id,
          retryMs,
        }));
        assert.deepEqual(await parse(cut(bytes, places), 1_000_000), expected);
      },
    ),
  );
});

test('any bytes at all give the same events in one chunk and in many', async () => {
  const byte = fc.constantFrom(0x0a, 0x0d, 0x3a, 0x20, 0x64, 0x61, 0x74, 0x69, 0xef, 0xbb, 0xbf, 0);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(byte, fc.constantFrom(...Buffer.from('data:id:event:retry:')))),
      fc.array(fc.nat(), { maxLength: 12 }),
      async (bytes, places) => {
        const whole = Uint8Array.from(bytes);
        assert.deepEqual(await parse(cut(whole, places)), await parse([whole]));
      },
    ),
  );
});

test('fields mean what the standard says', async () => {
  const message = { event: 'message', data: 'a', id: undefined, retryMs: undefined };
  assert.deepEqual(await parseText('\uFEFFdata: a\n\n'), [message]);
  assert.deepEqual(await parseText('data\n\n'), [{ ...message, data: '' }]);
  assert.deepEqual(await parseText('data:a\nunknown: b\n\n'), [message]);
  assert.deepEqual(await parseText('event: x\nevent\ndata:a\n\n'), [message]);
  assert.deepEqual(await parseText('id: 1\n\n'), [{ ...message, data: '', id: '1' }]);
  assert.deepEqual(await parseText('id: 1\0\ndata: a\n\n'), [message]);
  assert.deepEqual(await parseText('retry: 1e3\ndata: a\n\n'), [message]);
  assert.deepEqual(await parseText('event: lost\n\ndata: a\n\n'), [message]);
  assert.deepEqual(await parseText('data: never finished'), []);
});

test('many events may together be longer than the bound, one may not', async () => {
  const event = `data: ${'x'.repeat(900)}\n\n`;
  assert.equal((await parseText(event.repeat(20))).length, 20);
  for (const tooLong of [
    `data: ${'x'.repeat(1_100)}\n\n`,
    `data: ${'x'.repeat(1_100)}`,
    `${'data: xxxxxxxxx\n'.repeat(110)}\n`,
    `: ${'comment'.repeat(200)}`,
  ]) {
    await assert.rejects(parseText(tooLong), (error) => {
      assert.ok(error instanceof HostError);
      assert.equal(error.code, 'mcp_result_too_large');
      return true;
    });
  }
});

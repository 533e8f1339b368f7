import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@modelhost/kernel';
import { logBounds } from './bounds.ts';
import { openRow } from './entry.ts';
import type { LogEntry } from './entry.ts';
import { callEntry, startMs } from './fixtures/entries.ts';
import { createTestKeys } from './fixtures/test-keys.ts';
import { createTestRedactor } from './fixtures/test-redactor.ts';
import type { SealedRow } from './log-file.ts';
import { createWriteQueue } from './write-queue.ts';
import type { WriteQueue } from './write-queue.ts';

const entriesMax = 1_000;

/** A queue over a disk that can be full. */
function createQueue(): {
  readonly queue: WriteQueue;
  readonly written: SealedRow[];
  readonly faults: unknown[];
  readonly disk: { isFull: boolean };
} {
  const written: SealedRow[] = [];
  const faults: unknown[] = [];
  const disk = { isFull: false };
  const queue = createWriteQueue({
    keys: createTestKeys(),
    redactor: createTestRedactor(),
    entriesMax,
    onFault: (fault) => faults.push(fault),
    write: async (rows) => {
      if (disk.isFull) throw new Error('full');
      written.push(...rows);
    },
  });
  return { queue, written, faults, disk };
}

test('what cannot be written waits, in its order, and the fault is told once', async () => {
  const { queue, written, faults, disk } = createQueue();
  disk.isFull = true;
  const count = logBounds.sliceEntries * 2 + 1;
  for (let index = 0; index < count; index += 1) queue.append(callEntry({ timeMs: index }));
  await assert.rejects(queue.flush(), /full/);
  await assert.rejects(queue.flush(), /full/);
  assert.deepEqual(
    [queue.waiting(), queue.dropped(), queue.isFailing(), faults.length],
    [count, 0, true, 1],
  );
  disk.isFull = false;
  queue.append(callEntry({ timeMs: count }));
  await queue.flush();
  assert.deepEqual(
    written.map(({ timeMs }) => timeMs),
    Array.from({ length: count + 1 }, (_, index) => index),
  );
  assert.deepEqual([queue.waiting(), queue.dropped(), queue.isFailing()], [0, 0, false]);
  disk.isFull = true;
  queue.append(callEntry());
  await assert.rejects(queue.flush(), /full/);
  assert.equal(faults.length, 2);
});

test('many entries share a write, but no more than a bounded number of bytes', async () => {
  const lots: number[] = [];
  const queue = createWriteQueue({
    keys: createTestKeys(),
    redactor: createTestRedactor(),
    entriesMax,
    onFault: (fault) => assert.fail(String(fault)),
    write: async (rows) => {
      lots.push(rows.length);
    },
  });
  const lotMax = logBounds.sliceEntries * logBounds.lotSlices;
  for (let index = 0; index < lotMax + 1; index += 1) queue.append(callEntry());
  await queue.flush();
  assert.deepEqual(lots, [lotMax, 1]);
  // As many bytes as are sealed at one go: each is a slice of its own.
  const large = { to: 'x'.repeat(logBounds.sealedBytes) };
  for (let index = 0; index < logBounds.lotSlices + 1; index += 1) {
    queue.append(callEntry({ arguments: large }));
  }
  await queue.flush();
  assert.deepEqual(lots.slice(2), [logBounds.lotSlices, 1]);
});

test('a full queue drops the newest and counts them, and what waits is dropped at the end', async () => {
  const { queue, disk, written } = createQueue();
  disk.isFull = true;
  const extra = 5;
  for (let index = 0; index < entriesMax + extra; index += 1) {
    queue.append(callEntry({ timeMs: index }));
  }
  assert.deepEqual([queue.waiting(), queue.dropped()], [entriesMax, extra]);
  await assert.rejects(queue.flush(), /full/);
  // What is sealed still waits.
  queue.append(callEntry());
  assert.deepEqual([queue.waiting(), queue.dropped()], [entriesMax, extra + 1]);
  disk.isFull = false;
  await queue.flush();
  assert.equal(written.at(-1)?.timeMs, entriesMax - 1);
  disk.isFull = true;
  queue.append(callEntry());
  await queue.close();
  assert.deepEqual([queue.waiting(), queue.dropped()], [0, extra + 2]);
});

test('many decisions are written without waiting for anybody to flush', async () => {
  const { queue, written } = createQueue();
  for (let index = 0; index < logBounds.queueHigh; index += 1) queue.append(callEntry());
  assert.equal(written.length, 0);
  while (written.length < logBounds.queueHigh) await new Promise(setImmediate);
  assert.equal(queue.waiting(), 0);
});

test('an entry that is no JSON is dropped alone', async () => {
  const { queue, written, faults } = createQueue();
  const loop: Record<string, unknown> = {};
  loop['self'] = loop;
  const { decision, ...rest } = callEntry();
  // What no decision point makes: a value within itself.
  const endless: LogEntry = { ...rest, decision: Object.assign({}, decision, { loop }) };
  for (const entry of [callEntry({ timeMs: 1 }), endless, endless, callEntry({ timeMs: 2 })]) {
    queue.append(entry);
  }
  await queue.flush();
  assert.deepEqual(
    written.map(({ timeMs }) => timeMs),
    [1, 2],
  );
  assert.deepEqual([queue.dropped(), faults.length, queue.isFailing()], [2, 1, false]);
});

test('a decision about arguments that are nested deeper than the stack is kept without them', async () => {
  const { queue, written } = createQueue();
  const depth = 20_000;
  // Real input: the engine reads it without recursion.
  const deep = JSON.parse(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`) as JsonObject;
  for (let index = 0; index <= logBounds.waitingWhole; index += 1) {
    queue.append(callEntry({ arguments: deep, masked: ['a.b'] }));
  }
  await queue.flush();
  assert.equal(written.length, logBounds.waitingWhole + 1);
  for (const row of [written.at(0), written.at(-1)]) {
    assert.ok(row !== undefined);
    assert.deepEqual(openRow(createTestKeys(), { ...row, id: 1 }).masked, ['*']);
  }
});

test('arguments that are too large are left out, and the decision is kept', async () => {
  const { queue, written } = createQueue();
  queue.append(callEntry({ arguments: { to: 'x'.repeat(logBounds.entryLength) } }));
  await queue.flush();
  const [row] = written;
  assert.ok(row !== undefined);
  const { request, decision, masked } = openRow(createTestKeys(), { ...row, id: 1 });
  const { context, ...rest } = request;
  const { context: usual, ...expected } = callEntry({ arguments: {} }).request;
  assert.deepEqual(rest, expected);
  assert.deepEqual({ ...context, callDigest: usual.callDigest }, usual);
  assert.deepEqual([decision, masked], [callEntry().decision, ['*']]);
});

test('when many wait, large arguments are not kept in memory', async () => {
  const { queue, written } = createQueue();
  const large = { list: [{ to: 'x'.repeat(logBounds.waitingLength) }] };
  const small = { list: [{ to: 'x' }, 1, null] };
  for (let index = 0; index < logBounds.waitingWhole; index += 1) {
    queue.append(callEntry({ arguments: large }));
  }
  queue.append(callEntry({ arguments: large }));
  queue.append(callEntry({ arguments: small }));
  await queue.flush();
  const opened = written.map((row) => openRow(createTestKeys(), { ...row, id: 1 }));
  assert.deepEqual(
    opened.slice(-3).map(({ masked, request: { resource } }) => ({
      masked,
      values: resource.type === 'tool' ? resource.arguments : undefined,
    })),
    [
      { masked: [], values: large },
      { masked: ['*'], values: {} },
      { masked: [], values: small },
    ],
  );
});

test('a flush takes along what was appended while it was under way', async () => {
  const { queue, written } = createQueue();
  queue.append(callEntry({ timeMs: startMs }));
  const first = queue.flush();
  queue.append(callEntry({ timeMs: startMs + 1 }));
  await queue.flush();
  assert.equal(written.length, 2);
  await first;
});

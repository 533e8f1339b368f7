import assert from 'node:assert/strict';
import { createCipheriv, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { assertWithin, bestOf, withSlack } from '@modelhost/timing';
import { logBounds } from './bounds.ts';
import type { LogEntry } from './entry.ts';
import { callEntry, startMs } from './fixtures/entries.ts';
import { inLogDirectory } from './fixtures/log-directory.ts';
import { createTestRedactor } from './fixtures/test-redactor.ts';

const count = 5_000;
const rounds = 5;
/** As a host has it that is not told otherwise. */
const redactor = createTestRedactor({ secrets: 'token' });
const ci = process.env['CI'];

function entriesOf(round: number): readonly LogEntry[] {
  return Array.from({ length: count }, (_, index) =>
    callEntry({
      timeMs: startMs + round * count + index,
      subject: `s-${index % 50}`,
      arguments: { to: `someone-${index}@example.org`, text: 'word '.repeat(60) },
    }),
  );
}

const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Infinity;

function cpuMicros(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return user + system;
}

test('whoever decides spends less than a microsecond on the log', async (t) => {
  await inLogDirectory(async ({ open }) => {
    const log = await open({ redactor, entriesMax: rounds * count });
    const few: number[] = [];
    const many: number[] = [];
    const flushMicros: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const entries = entriesOf(round);
      const [first, rest] = [entries.slice(0, 250), entries.slice(250)];
      for (const [some, nanos] of [
        [first, few],
        [rest, many],
      ] as const) {
        const startedAt = performance.now();
        for (const entry of some) log.append(entry);
        nanos.push(((performance.now() - startedAt) * 1e6) / some.length);
      }
      const usage = process.cpuUsage();
      await log.flush();
      flushMicros.push(cpuMicros(usage) / count);
    }
    for (const [what, nanos] of [
      ['few waiting', bestOf(few, 'ns')],
      ['many waiting', bestOf(many, 'ns')],
    ] as const) {
      t.diagnostic(`append, ${what}: ${nanos.text}`);
      assert.ok(nanos.best < withSlack(1_000, ci), nanos.text);
    }
    t.diagnostic(`an entry written: ${bestOf(flushMicros, 'us CPU of both threads').text}`);
    assert.equal(log.statistics().entries, rounds * count);
  });
});

test('writing holds the event loop for less than 5 ms at a time', async (t) => {
  await assertWithin(t, withSlack(5, ci), () => sliceMs(t));
});

/** How long a slice holds the loop: in the middle, since the longest ones are those that other work disturbed. */
async function sliceMs(t: TestContext): Promise<number> {
  let middleMs = Infinity;
  await inLogDirectory(async ({ open }) => {
    const log = await open({ redactor });
    for (const entry of entriesOf(0)) log.append(entry);
    const gaps: number[] = [];
    let isOver = false;
    let turnedAt = performance.now();
    const turn = (): void => {
      const now = performance.now();
      gaps.push(now - turnedAt);
      turnedAt = now;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    await log.flush();
    isOver = true;
    // The longest gaps are those in which a slice was sealed.
    const slices = gaps
      .toSorted((one, other) => other - one)
      .slice(0, Math.ceil(count / logBounds.sliceEntries));
    const [longest = 0] = slices;
    middleMs = median(slices);
    t.diagnostic(`a slice: median ${middleMs.toFixed(2)} ms, longest ${longest.toFixed(2)} ms`);
  });
  return middleMs;
}

test('the floor of the machine: JSON, AES and one bare table, on one thread', async (t) => {
  await inLogDirectory(async ({ directory }) => {
    const database = new DatabaseSync(join(directory, 'floor.db'));
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
       CREATE TABLE floor (id INTEGER PRIMARY KEY, sealed BLOB) STRICT`,
    );
    const insert = database.prepare('INSERT INTO floor (sealed) VALUES (?)');
    const key = randomBytes(32);
    const micros: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const entries = entriesOf(round);
      const usage = process.cpuUsage();
      for (let at = 0; at < count; at += logBounds.sliceEntries) {
        database.exec('BEGIN');
        for (const entry of entries.slice(at, at + logBounds.sliceEntries)) {
          const cipher = createCipheriv('aes-256-gcm', key, randomBytes(12));
          insert.run(Buffer.concat([cipher.update(JSON.stringify(entry), 'utf8'), cipher.final()]));
        }
        database.exec('COMMIT');
      }
      micros.push(cpuMicros(usage) / count);
    }
    database.close();
    t.diagnostic(bestOf(micros, 'us CPU').text);
    assert.ok(micros.every((one) => one > 0));
  });
});

import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunStore } from '@modelhost/engine-embedded';
import { newRun } from '../fixtures/store-directory.ts';
import { openSqliteStore } from '../open-store.ts';
import type { SqliteStore } from '../open-store.ts';
import { medianOf } from './writes.ts';

const payload = randomBytes(300);
const writesPerRun = 5;
const eventsPerWrite = 2;
const runsInFlight = 256;
const tenants = 10;

/** Fills a directory with so many runs of ten events, and measures what an operator and an engine feel of them. */
export async function measureManyRuns(directory: string, runs: number): Promise<void> {
  const place = join(directory, 'store');
  const filling = await openSqliteStore({ directory: place });
  const filledMs = await timeOf(async () => fill(filling.runs, runs));
  await filling.close();
  const { size } = await stat(join(place, 'journal.db'));
  const events = runs * writesPerRun * eventsPerWrite;
  console.log(
    `     ${runs} runs, ${events} events: ${(size / 1e6).toFixed(0)} MB, written in ${seconds(filledMs)}; resident ${residentMb()} MB`,
  );
  let store: SqliteStore | undefined;
  const openMs = await timeOf(async () => {
    store = await openSqliteStore({ directory: place });
    await store.check();
  });
  if (store === undefined) return;
  console.log(`     open and ready: ${openMs.toFixed(0)} ms`);
  await measurePages(store.runs, runs);
  await measureRemoval(store, runs);
  await store.close();
}

async function fill(store: RunStore, runs: number): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: runsInFlight }, async () => {
      while (next < runs) {
        next += 1;
        // oxlint-disable-next-line no-await-in-loop -- so many runs at once
        await writeRun(store, next);
      }
    }),
  );
}

/** Every twentieth waits; the others finish in their order. */
async function writeRun(store: RunStore, number: number): Promise<void> {
  const runId = `run-${number}`;
  const tenant = `tenant-${number % tenants}`;
  await store.create({ ...newRun(runId), tenant, status: payload }, payload);
  const isFinished = number % 20 !== 0;
  for (let write = 0; write < writesPerRun; write += 1) {
    const firstSequence = write * eventsPerWrite + 1;
    const lastSequence = firstSequence + eventsPerWrite - 1;
    const isLast = write === writesPerRun - 1;
    // oxlint-disable-next-line no-await-in-loop -- an engine waits too
    await store.write({
      runId,
      entries: [payload, payload],
      events: { firstSequence, lastSequence, payload },
      run: isLast
        ? {
            state: isFinished ? 'finished' : 'waiting',
            finishedAtMs: isFinished ? number : undefined,
            status: payload,
          }
        : undefined,
    });
  }
}

async function measurePages(store: RunStore, runs: number): Promise<void> {
  const anyOrdinal = (): number => 1 + Math.floor(Math.random() * runs);
  const kinds: Readonly<Record<string, () => Promise<unknown>>> = {
    'a page of 50': () => store.list('tenant-1', { beforeOrdinal: anyOrdinal(), limit: 50 }),
    'a page of 50 finished': () =>
      store.list('tenant-1', { state: 'finished', beforeOrdinal: anyOrdinal(), limit: 50 }),
    'a page of 50 waiting': () =>
      store.list('tenant-0', { state: 'waiting', beforeOrdinal: anyOrdinal(), limit: 50 }),
    '500 unfinished': () => store.unfinished({ afterOrdinal: anyOrdinal(), limit: 500 }),
    'a whole run': () => store.read(`run-${anyOrdinal()}`),
  };
  for (const [kind, read] of Object.entries(kinds)) {
    const durations: number[] = [];
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    for (let round = 0; round < 200; round += 1) durations.push(await timeOf(read));
    const p99 = durations.toSorted((a, b) => a - b)[198] ?? 0;
    console.log(`     ${kind}: p50 ${medianOf(durations).toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`);
  }
}

/** Removes a tenth of the runs while another is written. */
async function measureRemoval(store: SqliteStore, runs: number): Promise<void> {
  await store.runs.create(newRun('beside'), payload);
  for (const [what, work] of Object.entries({
    'retention of a tenth': () =>
      store.runs.retain({
        runsFinishedBeforeMs: runs / 10,
        eventsFinishedBeforeMs: 0,
        runsMax: runs,
      }),
    compaction: () => store.compact(),
  })) {
    const durations: number[] = [];
    const done = new AbortController();
    const writing = writeBeside(store.runs, durations, done.signal);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const workMs = await timeOf(work);
    done.abort();
    // oxlint-disable-next-line no-await-in-loop -- as above
    await writing;
    const max = Math.max(...durations);
    console.log(
      `     ${what}: ${seconds(workMs)}; writes meanwhile p50 ${medianOf(durations).toFixed(1)} ms, longest ${max.toFixed(0)} ms; resident ${residentMb()} MB`,
    );
  }
}

async function writeBeside(
  store: RunStore,
  durations: number[],
  signal: AbortSignal,
): Promise<void> {
  const write = { runId: 'beside', entries: [payload], events: undefined, run: undefined };
  while (!signal.aborted) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    durations.push(await timeOf(() => store.write(write)));
  }
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function residentMb(): string {
  return (process.memoryUsage.rss() / 1e6).toFixed(0);
}

import { randomBytes } from 'node:crypto';
import { closeSync, fdatasyncSync, openSync, writevSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import type { RunStore } from '@modelhost/engine-embedded';
import { bytesOf, newRun } from '../fixtures/store-directory.ts';
import { openSqliteStore } from '../open-store.ts';

/** How long each figure is measured, and how often: the rounds of both sides take turns. */
const roundMs = 2_000;
const rounds = 3;

/** What one write of an engine weighs: an entry and a batch of events. */
const entry = randomBytes(500);
const eventBytes = randomBytes(200);

interface Figures {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly mainUs: number;
  readonly otherUs: number;
  readonly loopDelayMs: number;
}

/**
 * Writes per second with so many in flight, each durable when it resolves, beside a file to which as many records are written with
 * one fdatasync: the floor of this disk at this moment.
 */
export async function measureWrites(directory: string): Promise<void> {
  const idle = monitorEventLoopDelay({ resolution: 1 });
  idle.enable();
  await setTimeout(roundMs);
  console.log(`     event loop idle: p99 ${(idle.percentile(99) / 1e6).toFixed(1)} ms`);
  const store = await openSqliteStore({ directory: join(directory, 'store') });
  const writers = Array.from({ length: 128 }, (_, index) =>
    createWriter(store.runs, `run-${index}`),
  );
  await Promise.all(writers.map(({ create }) => create()));
  for (const inFlight of [1, 16, 128]) {
    for (let round = 0; round < rounds; round += 1) {
      const floor = writeFile(join(directory, 'floor'), inFlight);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const figures = await writeStore(writers.slice(0, inFlight));
      report(inFlight, floor, figures);
    }
  }
  await store.close();
}

function report(
  inFlight: number,
  floor: Pick<Figures, 'perSecond' | 'medianMs'>,
  own: Figures,
): void {
  const ratio = own.perSecond / floor.perSecond;
  console.log(
    [
      `     ${String(inFlight).padStart(3)} in flight:`,
      `${own.perSecond.toFixed(0)}/s, p50 ${own.medianMs.toFixed(2)} ms,`,
      `CPU per write main ${own.mainUs.toFixed(1)} us, other threads ${own.otherUs.toFixed(1)} us,`,
      `event loop p99 ${own.loopDelayMs.toFixed(1)} ms;`,
      `file with fdatasync ${floor.perSecond.toFixed(0)}/s, p50 ${floor.medianMs.toFixed(2)} ms (ratio ${ratio.toFixed(2)})`,
    ].join(' '),
  );
}

interface RunWriter {
  readonly create: () => Promise<unknown>;
  readonly write: () => Promise<void>;
}

function createWriter(runs: RunStore, runId: string): RunWriter {
  let sequence = 0;
  return {
    create: () => runs.create(newRun(runId), bytesOf('input')),
    write: async () => {
      sequence += 1;
      const events = { firstSequence: sequence, lastSequence: sequence, payload: eventBytes };
      await runs.write({ runId, entries: [entry], events, run: undefined });
    },
  };
}

async function writeStore(writers: readonly RunWriter[]): Promise<Figures> {
  const durations: number[] = [];
  const loopDelay = monitorEventLoopDelay({ resolution: 1 });
  loopDelay.enable();
  const main = process.threadCpuUsage();
  const all = process.cpuUsage();
  const end = performance.now() + roundMs;
  await Promise.all(
    writers.map(async ({ write }) => {
      for (let start = performance.now(); start < end; start = performance.now()) {
        // oxlint-disable-next-line no-await-in-loop -- an engine waits too
        await write();
        durations.push(performance.now() - start);
      }
    }),
  );
  const mainUsed = process.threadCpuUsage(main);
  const allUsed = process.cpuUsage(all);
  loopDelay.disable();
  const mainUs = mainUsed.user + mainUsed.system;
  return {
    perSecond: (durations.length / roundMs) * 1_000,
    medianMs: medianOf(durations),
    mainUs: mainUs / durations.length,
    otherUs: (allUsed.user + allUsed.system - mainUs) / durations.length,
    loopDelayMs: loopDelay.percentile(99) / 1e6,
  };
}

function writeFile(path: string, group: number): Pick<Figures, 'perSecond' | 'medianMs'> {
  const records = Array.from({ length: group }, () => [entry, eventBytes]).flat();
  const durations: number[] = [];
  const file = openSync(path, 'w');
  const end = performance.now() + roundMs;
  for (let start = performance.now(); start < end; start = performance.now()) {
    writevSync(file, records);
    fdatasyncSync(file);
    durations.push(performance.now() - start);
  }
  closeSync(file);
  const perSecond = ((durations.length * group) / roundMs) * 1_000;
  return { perSecond, medianMs: medianOf(durations) };
}

/** The one in the middle. */
export function medianOf(durations: readonly number[]): number {
  return durations.toSorted((a, b) => a - b)[durations.length >> 1] ?? 0;
}

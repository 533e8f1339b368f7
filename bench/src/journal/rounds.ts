/** Rounds of runs: every subject in turn, so that a slow moment of the machine meets all. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '../figures.ts';
import type { Subject } from './subject.ts';

/** One subject in one round. */
export interface RunRound {
  readonly runsPerSecond: number;
  /** Of all threads. */
  readonly cpuMsPerRun: number;
  readonly mainCpuMsPerRun: number;
  readonly stepP50Ms: number;
  readonly stepP99Ms: number;
  readonly loopDelayP99Ms: number;
  readonly writesPerRun: number;
  readonly entriesPerRun: number;
}

/** How much load, and how long. */
export interface RunLoad {
  readonly runsInFlight: number;
  readonly durationMs: number;
  /** How long after the one before each of them begins. */
  readonly staggerMs: number;
}

/** Keeps so many runs in flight for a while. */
export async function measureRound(subject: Subject, load: RunLoad): Promise<RunRound> {
  subject.takeSteps();
  subject.takeWrites();
  const loopDelay = monitorEventLoopDelay({ resolution: 1 });
  loopDelay.enable();
  const main = process.threadCpuUsage();
  const all = process.cpuUsage();
  const start = performance.now();
  const runs = await playRuns(subject, load);
  const seconds = (performance.now() - start) / 1_000;
  const mainUsed = process.threadCpuUsage(main);
  const allUsed = process.cpuUsage(all);
  loopDelay.disable();
  const steps = subject.takeSteps();
  const { writes, entries } = subject.takeWrites();
  return {
    runsPerSecond: runs / seconds,
    cpuMsPerRun: (allUsed.user + allUsed.system) / 1_000 / runs,
    mainCpuMsPerRun: (mainUsed.user + mainUsed.system) / 1_000 / runs,
    stepP50Ms: percentile(steps, 0.5),
    stepP99Ms: percentile(steps, 0.99),
    loopDelayP99Ms: loopDelay.percentile(99) / 1e6,
    writesPerRun: writes / runs,
    entriesPerRun: entries / runs,
  };
}

/** How late the event loop is while nothing is done, at the 99th percentile. */
export async function measureIdle(durationMs: number): Promise<number> {
  const loopDelay = monitorEventLoopDelay({ resolution: 1 });
  loopDelay.enable();
  await delay(durationMs);
  loopDelay.disable();
  return loopDelay.percentile(99) / 1e6;
}

async function playRuns(
  { run }: Subject,
  { runsInFlight, durationMs, staggerMs }: RunLoad,
): Promise<number> {
  const end = performance.now() + durationMs;
  let runs = 0;
  async function play(_: unknown, index: number): Promise<void> {
    if (staggerMs > 0) await delay(index * staggerMs);
    while (performance.now() < end) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await run();
      runs += 1;
    }
  }
  await Promise.all(Array.from({ length: runsInFlight }, play));
  return runs;
}

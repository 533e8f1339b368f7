/** Rounds of calls: every subject under the same load, in turn, so that a slow moment of the machine meets all. */
import { median, percentile } from '../figures.ts';

/** Something that takes calls. */
export interface CallSubject {
  readonly name: string;
  readonly call: () => Promise<void>;
  /** CPU time so far of what stands between caller and upstream; absent where nothing does. */
  readonly cpuMicros?: () => number;
}

/** How much load, and how long. */
export interface CallLoad {
  readonly callers: number;
  readonly rounds: number;
  readonly warmupMs: number;
  readonly durationMs: number;
}

/** One subject in one round. */
export interface CallRound {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly callsPerSecond: number;
  readonly cpuMicrosPerCall: number;
}

/** One subject in all rounds. */
export interface CallRow {
  readonly name: string;
  readonly rounds: readonly CallRound[];
}

/** Warms each subject up, then measures all of them in each round: one after the other with many callers. */
export async function measureCalls(
  subjects: readonly CallSubject[],
  load: CallLoad,
): Promise<readonly CallRow[]> {
  for (const { call } of subjects) await runCalls(call, load.callers, load.warmupMs);
  const rounds: (readonly CallRound[])[] = [];
  for (let round = 0; round < load.rounds; round += 1) {
    if (load.callers === 1) {
      rounds.push(await measureInTurn(subjects, load.durationMs * subjects.length));
      continue;
    }
    const measured: CallRound[] = [];
    for (const subject of subjects) measured.push(await measureRound(subject, load));
    rounds.push(measured);
  }
  return subjects.map(({ name }, at) => ({ name, rounds: rounds.flatMap((row) => row[at] ?? []) }));
}

/** Calls to one subject in a row: enough to have its code at hand, and over before a machine changes much. */
const callsInRow = 50;

/** A single caller calls each in turn, a few times in a row, again and again. */
async function measureInTurn(
  subjects: readonly CallSubject[],
  durationMs: number,
): Promise<readonly CallRound[]> {
  const before = subjects.map(({ cpuMicros }) => cpuMicros?.() ?? Number.NaN);
  const times = subjects.map((): number[] => []);
  const end = performance.now() + durationMs;
  while (performance.now() < end) {
    for (const [at, { call }] of subjects.entries()) {
      for (let count = 0; count < callsInRow; count += 1) {
        const start = performance.now();
        await call();
        times[at]?.push(performance.now() - start);
      }
    }
  }
  return subjects.map(({ cpuMicros }, at) => {
    const cpu = (cpuMicros?.() ?? Number.NaN) - (before[at] ?? Number.NaN);
    const own = times[at] ?? [];
    return summarize(own, own.reduce((sum, ms) => sum + ms, 0) / 1_000, cpu);
  });
}

/** The median over the rounds of one figure, or of what `against` makes of it and another row's in the same round. */
export function overRounds(
  row: CallRow,
  figure: keyof CallRound,
  against?: { readonly row: CallRow; readonly combine: (own: number, other: number) => number },
): number {
  return median(
    row.rounds.map((round, at) => {
      const other = against?.row.rounds[at];
      if (against === undefined) return round[figure];
      return other === undefined ? Number.NaN : against.combine(round[figure], other[figure]);
    }),
  );
}

async function measureRound(
  { call, cpuMicros }: CallSubject,
  { callers, durationMs }: CallLoad,
): Promise<CallRound> {
  const before = cpuMicros?.() ?? Number.NaN;
  const start = performance.now();
  const times = await runCalls(call, callers, durationMs);
  const seconds = (performance.now() - start) / 1_000;
  return summarize(times, seconds, (cpuMicros?.() ?? Number.NaN) - before);
}

function summarize(times: readonly number[], seconds: number, cpuMicros: number): CallRound {
  return {
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    callsPerSecond: times.length / seconds,
    cpuMicrosPerCall: cpuMicros / times.length,
  };
}

/** So many callers, each call followed by the next; gives how long each took, in milliseconds. */
async function runCalls(
  call: () => Promise<void>,
  callers: number,
  durationMs: number,
): Promise<readonly number[]> {
  const end = performance.now() + durationMs;
  const times: number[] = [];
  async function loop(): Promise<void> {
    while (performance.now() < end) {
      const start = performance.now();
      await call();
      times.push(performance.now() - start);
    }
  }
  await Promise.all(Array.from({ length: callers }, loop));
  return times;
}

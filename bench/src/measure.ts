/** One point of the table: every subject under the same load, in turn, round after round. */
import { median, percentile } from './figures.ts';
import { runLoad, type LoadOptions, type LoadResult, type Target } from './load.ts';
import type { Pace } from './mock-provider.ts';

/** Something that is measured. */
export interface Subject {
  readonly name: string;
  readonly target: (pace: Pace) => Target;
  /** CPU time of its process so far; absent where nothing stands between the load and the provider. */
  readonly cpuMicros?: () => number;
}

/** What a point is measured with. */
export interface Point {
  readonly pace: Pace;
  readonly streams: number;
  readonly rounds: number;
  readonly warmupMs: number;
  readonly durationMs: number;
}

/** Medians over the rounds for one subject; what a subject does not have is NaN. */
export interface Row {
  readonly name: string;
  readonly firstTokenP50Ms: number;
  readonly firstTokenP99Ms: number;
  /** Beyond the first subject in the same round. */
  readonly addedP50Ms: number;
  readonly addedP99Ms: number;
  readonly cpuMicrosPerToken: number;
  readonly tokensPerSecond: number;
  readonly streamsMeasured: number;
  /** CPU for a token in each round, for ratios within a round. */
  readonly cpuRounds: readonly number[];
}

interface Round extends LoadResult {
  readonly cpuMicros: number;
}

/** Warms each subject up, then measures all of them in each round, so that a slow moment of the machine meets all. */
export async function measurePoint(
  subjects: readonly Subject[],
  point: Point,
): Promise<readonly Row[]> {
  const load = { streams: point.streams, spreadMs: 100 };
  for (const { target } of subjects) {
    await runLoad(target(point.pace), { ...load, durationMs: point.warmupMs });
  }
  const rounds: (readonly Round[])[] = [];
  for (let round = 0; round < point.rounds; round += 1) {
    const measured: Round[] = [];
    for (const subject of subjects) {
      measured.push(await measure(subject, point.pace, { ...load, durationMs: point.durationMs }));
    }
    rounds.push(measured);
  }
  return subjects.map((subject, index) => sumUp(subject, index, rounds));
}

async function measure(subject: Subject, pace: Pace, load: LoadOptions): Promise<Round> {
  const cpuBefore = subject.cpuMicros?.() ?? Number.NaN;
  const result = await runLoad(subject.target(pace), load);
  return { ...result, cpuMicros: (subject.cpuMicros?.() ?? Number.NaN) - cpuBefore };
}

function sumUp({ name }: Subject, index: number, rounds: readonly (readonly Round[])[]): Row {
  const own = rounds.flatMap((round) => round[index] ?? []);
  const base = rounds.flatMap((round) => round[0] ?? []);
  const firstToken = (share: number) => own.map((round) => firstTokenMs(round, share));
  const added = (share: number) =>
    firstToken(share).map((ms, at) => ms - firstTokenMs(base[at], share));
  const cpuRounds = own.map(({ cpuMicros, tokens }) => cpuMicros / tokens);
  return {
    name,
    firstTokenP50Ms: median(firstToken(0.5)),
    firstTokenP99Ms: median(firstToken(0.99)),
    addedP50Ms: median(added(0.5)),
    addedP99Ms: median(added(0.99)),
    cpuMicrosPerToken: median(cpuRounds),
    tokensPerSecond: median(own.map(({ tokens, seconds }) => tokens / seconds)),
    streamsMeasured: own.reduce((sum, { samples }) => sum + samples.length, 0),
    cpuRounds,
  };
}

function firstTokenMs(round: Round | undefined, share: number): number {
  const times = round?.samples.map((sample) => sample.firstTokenMs) ?? [];
  return percentile(times, share);
}

/** What the bench of the journal prints, and what it holds to. */
import { median } from '../figures.ts';
import type { Floor } from './floor.ts';
import type { RunRound } from './rounds.ts';
import type { Journal } from './subject.ts';
import { verdict, type Verdict } from './verdict.ts';

const limits = { addedCpuMsPerRunMax: 1.5, addedLoopDelayMsMax: 2 } as const;

/** One subject in all rounds. */
export interface Row {
  readonly name: Journal;
  readonly rounds: readonly RunRound[];
}

/** A row for each journal, medians over the rounds. */
export function describeRows(title: string, rows: readonly Row[]): string {
  const heading = line([
    title,
    'runs/s',
    'step p50 ms',
    'p99 ms',
    'CPU ms/run',
    'of main',
    'loop p99 ms',
    'writes/run',
    'entries/run',
  ]);
  const lines = rows.map((row) =>
    line([
      `journal ${row.name}`,
      over(row, 'runsPerSecond').toFixed(0),
      over(row, 'stepP50Ms').toFixed(2),
      over(row, 'stepP99Ms').toFixed(2),
      over(row, 'cpuMsPerRun').toFixed(2),
      over(row, 'mainCpuMsPerRun').toFixed(2),
      over(row, 'loopDelayP99Ms').toFixed(2),
      over(row, 'writesPerRun').toFixed(1),
      over(row, 'entriesPerRun').toFixed(1),
    ]),
  );
  return [heading, ...lines].join('\n');
}

/** How late the event loop is; `idleMs` is that without any run. */
export function describeDelays(
  title: string,
  rows: readonly Row[],
  idleMs: readonly number[],
): string {
  const heading = line([title, 'loop p99 ms', 'runs/s']);
  const idle = line(['idle', median(idleMs).toFixed(2), '-']);
  const lines = rows.map((row) =>
    line([
      `journal ${row.name}`,
      over(row, 'loopDelayP99Ms').toFixed(2),
      over(row, 'runsPerSecond').toFixed(0),
    ]),
  );
  return [heading, idle, ...lines].join('\n');
}

/** What a file with one `fdatasync` for so many records of 1 KiB can do. */
export function describeFloors(floors: readonly Floor[]): string {
  return [...Map.groupBy(floors, ({ inFlight }) => inFlight)]
    .map(([inFlight, some]) => {
      const perSecond = median(some.map(({ recordsPerSecond }) => recordsPerSecond));
      const p50Ms = median(some.map((floor) => floor.p50Ms));
      return `disk, ${inFlight} in flight: ${perSecond.toFixed(0)} records/s, fdatasync p50 ${p50Ms.toFixed(2)} ms`;
    })
    .join('\n');
}

/** Whether the limits hold, by the best round. */
export function judge(measured: {
  readonly fast: readonly Row[];
  readonly slow: readonly Row[];
  readonly idleMs: readonly number[];
}): readonly Verdict[] {
  const idleMs = Math.min(...measured.idleMs);
  const loopDelayMs = Math.min(...of(measured.slow, 'sealed').map((one) => one.loopDelayP99Ms));
  const off = of(measured.fast, 'off');
  const added = of(measured.fast, 'sealed').map(
    ({ cpuMsPerRun }, round) => cpuMsPerRun - (off[round]?.cpuMsPerRun ?? Number.NaN),
  );
  return [
    verdict(
      'CPU ms per run, journal on minus off, best round',
      Math.min(...added),
      limits.addedCpuMsPerRunMax,
    ),
    verdict(
      `event loop delay p99, paced, ms over idle (${idleMs.toFixed(2)}), best round`,
      loopDelayMs - idleMs,
      limits.addedLoopDelayMsMax,
    ),
  ];
}

function of(rows: readonly Row[], name: Journal): readonly RunRound[] {
  return rows.find((row) => row.name === name)?.rounds ?? [];
}

function over({ rounds }: Row, figure: keyof RunRound): number {
  return median(rounds.map((round) => round[figure]));
}

function line([name = '', ...cells]: readonly string[]): string {
  return name.padEnd(24) + cells.map((cell) => cell.padStart(13)).join('');
}

/** What the bench prints. */
import { cpus as processors, loadavg } from 'node:os';
import { median } from './figures.ts';
import type { Row } from './measure.ts';

/** The machine, and how busy it is now; and whether processes were pinned, where that matters. */
export function describeMachine(isPinned?: boolean): string {
  const [processor] = processors();
  const load = loadavg().map((value) => value.toFixed(2));
  return [
    `node ${process.version}, ${processors().length} x ${processor?.model.trim() ?? 'unknown CPU'}`,
    `load average ${load.join(' ')}`,
    ...(isPinned === undefined ? [] : [describePinning(isPinned)]),
  ].join('\n');
}

function describePinning(isPinned: boolean): string {
  return isPinned
    ? 'pinned: host and pipe to one CPU, provider and load to another'
    : 'not pinned: no taskset, or one CPU only; the figures mean little';
}

/** The table's heading; `first` and `added` are times to the first token. */
export const heading: string = line([
  'streams',
  'through',
  'first p50 ms',
  'p99 ms',
  'added p50 ms',
  'p99 ms',
  'CPU us/token',
  'x pipe',
  'tokens/s',
  'measured',
]);

/** A line for each subject; the first is the base of what is added. */
export function describeRows(streams: number, rows: readonly Row[]): string {
  return rows
    .map((row, index) =>
      line([
        String(streams),
        row.name,
        number(row.firstTokenP50Ms),
        number(row.firstTokenP99Ms),
        index === 0 ? '-' : number(row.addedP50Ms),
        index === 0 ? '-' : number(row.addedP99Ms),
        number(row.cpuMicrosPerToken),
        number(cpuRatio(row, rows)),
        row.tokensPerSecond.toFixed(0),
        String(row.streamsMeasured),
      ]),
    )
    .join('\n');
}

/** CPU for a token against the pipe's: the median of the ratios in each round; NaN where there is none. */
export function cpuRatio(row: Row, rows: readonly Row[]): number {
  const pipe = rows.find(({ name }) => name === 'pipe');
  return median(
    row.cpuRounds.map((micros, round) => micros / (pipe?.cpuRounds[round] ?? Number.NaN)),
  );
}

function line(cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(13)).join('');
}

function number(value: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(2);
}

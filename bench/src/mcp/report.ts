/** What the bench of the MCP layer prints, and what it holds to. */
import { overRounds, type CallRow } from './rounds.ts';

/** Limits of the bench; the README says where they come from. */
export const limits = {
  cpuOfNaiveMax: 0.35,
  addedOfRelayMax: 2,
  inProcessMax: 1.3,
  listP50MsMax: 5,
} as const;

/** A row for each way to the echo: times at one caller, the rest at many. */
export function describeGateways(alone: readonly CallRow[], many: readonly CallRow[]): string {
  const floor = alone[0];
  const heading = line([
    'through',
    'p50 ms',
    'p99 ms',
    'added p50 ms',
    'p50 ms at 64',
    'calls/s at 64',
    'CPU us/call',
    'CPU us at 64',
  ]);
  const rows = alone.map((row, at) => {
    const crowded = many[at];
    return line([
      row.name,
      figure(overRounds(row, 'p50Ms')),
      figure(overRounds(row, 'p99Ms')),
      at === 0 || floor === undefined ? '-' : figure(addedMs(row, floor)),
      crowded === undefined ? '-' : figure(overRounds(crowded, 'p50Ms')),
      crowded === undefined ? '-' : overRounds(crowded, 'callsPerSecond').toFixed(0),
      figure(overRounds(row, 'cpuMicrosPerCall'), 0),
      crowded === undefined ? '-' : figure(overRounds(crowded, 'cpuMicrosPerCall'), 0),
    ]);
  });
  return [heading, ...rows].join('\n');
}

/** What a gateway adds to the way without one, in the same round. */
export function addedMs(row: CallRow, floor: CallRow): number {
  return overRounds(row, 'p50Ms', { row: floor, combine: (own, other) => own - other });
}

/** The ratio of a figure of two rows in the same round. */
export function ratioOf(row: CallRow, other: CallRow, key: 'cpuMicrosPerCall' | 'p50Ms'): number {
  return overRounds(row, key, { row: other, combine: (own, against) => own / against });
}

/** A row for each way to call from inside. */
export function describeInProcess(title: string, rows: readonly CallRow[]): string {
  const heading = line([title, 'p50 ms', 'p99 ms']);
  const lines = rows.map((row) =>
    line([row.name, figure(overRounds(row, 'p50Ms')), figure(overRounds(row, 'p99Ms'))]),
  );
  return [heading, ...lines].join('\n');
}

/** Says whether a limit holds. */
export function verdict(
  what: string,
  value: number,
  max: number,
): { isHeld: boolean; text: string } {
  const isHeld = value <= max;
  const text = `${isHeld ? 'held' : 'NOT HELD'}: ${what} ${value.toFixed(2)}, at most ${max.toFixed(2)}`;
  return { isHeld, text };
}

function line([name = '', ...cells]: readonly string[]): string {
  return name.padEnd(36) + cells.map((cell) => cell.padStart(14)).join('');
}

function figure(value: number, digits = 2): string {
  return Number.isNaN(value) ? '-' : value.toFixed(digits);
}

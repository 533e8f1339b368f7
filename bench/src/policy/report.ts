/** What the bench of the decision point prints, and what it holds to. */
import { median } from '../figures.ts';
import type { ReloadFigures } from './reload.ts';
import type { Row } from './rounds.ts';

/** Limits of the bench; the README says where they come from. */
export const limits = { flatMax: 1.5, leanCpuMicrosMax: 60, reloadAddedMsMax: 5 } as const;

/** A line for each number of rules, with every way to decide beside each other. */
export function describeDecisions(rows: readonly Row[]): string {
  const names = [...new Set(rows.map(({ subject }) => subject.name))];
  const sizes = [...new Set(rows.map(({ subject }) => subject.company.rules))];
  const columns = names.flatMap((name) => [`${name}: p50 us`, 'CPU us', 'lowest', 'wrong']);
  const lines = sizes.map((size) =>
    line([
      String(size),
      ...names.flatMap((name) => {
        const row = rows.find(
          ({ subject }) => subject.company.rules === size && subject.name === name,
        );
        if (row === undefined) return ['-', '-', '-', '-'];
        const { p50Micros, cpuMicros, cpuMicrosLowest, wrong } = row;
        return [figure(p50Micros), figure(cpuMicros), figure(cpuMicrosLowest), String(wrong)];
      }),
    ]),
  );
  return [line(['rules', ...columns]), ...lines].join('\n');
}

/** What the reload of many rules does to the event loop. */
export function describeReload(rules: number, figures: ReloadFigures): string {
  const { idleMs, reloadMs, durationMs, threadMs } = figures;
  return [
    `reload of ${rules} rules: ${figure(durationMs)} ms in a worker;`,
    `CPU of the event loop's thread ${figure(threadMs)} ms in all;`,
    `longest turn of the event loop ${figure(reloadMs)} ms, ${figure(idleMs)} ms when idle`,
  ].join(' ');
}

/** The ratio of what two rows cost, in the same round. */
export function cpuRatio(row: Row, base: Row): number {
  return median(
    row.cpuRounds.map((micros, round) => micros / (base.cpuRounds[round] ?? Number.NaN)),
  );
}

/** Says whether a limit holds. */
export function describeLimit(name: string, value: number, max: number): string {
  return `${name}: ${value.toFixed(2)}, at most ${max}: ${value <= max ? 'held' : 'NOT HELD'}`;
}

function figure(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}

function line(cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(Math.max(8, cell.length))).join('  ');
}

/**
 * Whole runs of the loop with the journal on the disk, beside the same with the journal in memory and the disk's own speed:
 * `npm run bench:journal [-- --rounds 3 --seconds 4 --directory FOLDER]`. Exits with 1 when a limit is not held.
 */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadKeys } from '@modelhost/keys-file';
import { readCount } from '@modelhost/timing';
import { describeMachine } from '../report.ts';
import { measureFloor, type Floor } from './floor.ts';
import type { Pace } from './loop.ts';
import { describeDelays, describeFloors, describeRows, judge, type Row } from './report.ts';
import { measureIdle, measureRound, type RunLoad } from './rounds.ts';
import { openSubject, type Journal, type Subject } from './subject.ts';
import { stepsPerRun } from './task.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    directory: { type: 'string', default: tmpdir() },
  },
});
const rounds = readCount('--rounds', values.rounds);
const durationMs = readCount('--seconds', values.seconds) * 1_000;
const runsInFlight = 64;
const floorMs = 1_000;
/** At once: all that is spent is ours. */
const atOnce: Pace = { modelMs: 0, toolMs: 0 };
/** As a host has it whose models and tools take their time, and quick ones at that. */
const paced: Pace = { modelMs: 300, toolMs: 80 };
/** So that the runs are not all at the same place at the same time. */
const runMs = 5 * paced.modelMs + 4 * paced.toolMs;
const journals: readonly Journal[] = ['off', 'plain', 'sealed'];

await using folder = await mkdtempDisposable(join(values.directory, 'bench-journal-'));
await using opened = new AsyncDisposableStack();
const keys = await loadKeys({ path: join(folder.path, 'master.key'), environmentValue: undefined });
const floors: Floor[] = [];
const idleMs: number[] = [];

console.log(describeMachine());
console.log(
  `${runsInFlight} runs of ${stepsPerRun} model and tool steps in flight; ${rounds} rounds, off and on by turns\n`,
);
const atFullSpeed = { runsInFlight, durationMs, staggerMs: 0 };
const fast = await measureAll('at once', atOnce, atFullSpeed);
console.log(`${describeRows('answers at once', fast)}\n`);
const staggered = { runsInFlight, durationMs, staggerMs: runMs / runsInFlight };
const slow = await measureAll('paced', paced, staggered);
const title = `model ${paced.modelMs} ms, tool ${paced.toolMs} ms`;
console.log(`${describeDelays(title, slow, idleMs)}
`);
console.log(`${describeFloors(floors)}\n`);

const verdicts = judge({ fast, slow, idleMs });
for (const { text } of verdicts) console.log(text);
if (verdicts.some(({ isHeld }) => !isHeld)) process.exitCode = 1;

async function measureAll(name: string, pace: Pace, load: RunLoad): Promise<readonly Row[]> {
  const subjects: Subject[] = [];
  for (const journal of journals) {
    const place = { directory: folder.path, keys, pace };
    const subject = await openSubject({ ...place, name: `${name} ${journal}`, journal });
    subjects.push(opened.use(subject));
  }
  // Until all code that is used often is compiled.
  for (const subject of subjects) await measureRound(subject, load);
  const rows = subjects.map((subject, at) => ({
    name: journals[at] ?? 'off',
    subject,
    rounds: [] as Row['rounds'][number][],
  }));
  for (let round = 0; round < rounds; round += 1) {
    for (const inFlight of [1, runsInFlight]) {
      floors.push(measureFloor(join(folder.path, 'floor'), inFlight, floorMs));
    }
    idleMs.push(await measureIdle(floorMs));
    for (const { subject, rounds: measured } of rows) {
      measured.push(await measureRound(subject, load));
    }
  }
  return rows.map(({ name: journal, rounds: measured }) => ({ name: journal, rounds: measured }));
}

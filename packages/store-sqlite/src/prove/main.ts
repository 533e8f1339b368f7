/**
 * Shows at length what the tests of this package show in short: `npm run prove:storage [-- --rounds 100 --runs 100000]`. Kills
 * processes in the middle of migrations and of writes, then measures writes beside the disk's own speed and a directory of many
 * runs. Exits with 1 when anything is lost or left by half.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readCount } from '@modelhost/timing';
import { runKillRound } from '../fixtures/kill-rounds.ts';
import { killAtStatement, migrationStatements } from '../fixtures/migration-kills.ts';
import { readTornCopies } from '../fixtures/torn-log.ts';
import { measureManyRuns } from './many-runs.ts';
import { measureWrites } from './writes.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    runs: { type: 'string', default: '100000' },
    directory: { type: 'string', default: tmpdir() },
  },
});

/** Past it, rounds go on in a new directory: looking at what is there takes longer with each. */
const roundsPerDirectory = 20;

async function inTemporary(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(values.directory, 'prove-storage-'));
  try {
    await body(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function killMigrations(directory: string): Promise<void> {
  for (let statement = 0; statement < migrationStatements; statement += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one process at a time
    await killAtStatement(directory, statement);
  }
  console.log(`ok   killed after each of ${migrationStatements} statements of the migrations`);
}

async function killWriters(rounds: number): Promise<void> {
  let writes = 0;
  let roundsLeft = rounds;
  while (roundsLeft > 0) {
    const next = Math.min(roundsLeft, roundsPerDirectory);
    roundsLeft -= next;
    // oxlint-disable-next-line no-await-in-loop -- one directory at a time
    await inTemporary(async (directory) => {
      let inDirectory = 0;
      for (let round = 0; round < next; round += 1) {
        const writesMin = 1 + Math.floor(Math.random() * 1_000);
        // oxlint-disable-next-line no-await-in-loop -- each opens what the one before left behind
        inDirectory = await runKillRound(directory, writesMin, 'removing');
      }
      writes += inDirectory;
    });
  }
  console.log(
    `ok   killed ${rounds} writers: ${writes} writes, none lost that resolved, none by half`,
  );
}

async function tearLogs(directory: string): Promise<void> {
  const copies = 100;
  await runKillRound(directory, 300, 'writing');
  await readTornCopies(directory, copies);
  console.log(`ok   tore ${copies} copies of a write-ahead log: whole writes only`);
}

console.log(
  `load ${loadavg()
    .map((load) => load.toFixed(1))
    .join(' ')}`,
);
await inTemporary(killMigrations);
await killWriters(readCount('--rounds', values.rounds));
await inTemporary(tearLogs);
await inTemporary(measureWrites);
await inTemporary(async (directory) =>
  measureManyRuns(directory, readCount('--runs', values.runs)),
);

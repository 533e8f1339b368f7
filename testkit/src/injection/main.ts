/**
 * Plays the recorded tasks and attacks of AgentDojo through a host under the default policy, and prints one table. Exits with
 * 1 when a bound is missed, with 2 when the data is not there. The data is not part of the repository: its path is that of
 * the environment's AGENTDOJO.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readCount } from '@modelhost/timing';
import { readSuites } from './dataset.ts';
import { judge, printTable } from './report.ts';
import { runEvaluation } from './run-evaluation.ts';

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    stages: { type: 'string', default: '2' },
  },
});
const beside = fileURLToPath(
  new URL('../../../../shared/data/injection/agentdojo.json', import.meta.url),
);
const path = process.env['AGENTDOJO'] ?? beside; // oxlint-disable-line node/no-process-env -- a main file may look

await main();

async function main(): Promise<void> {
  if (!existsSync(path)) {
    console.error(
      `${path}: not there; name the file agentdojo.json in the environment's AGENTDOJO`,
    );
    process.exitCode = 2;
    return;
  }
  const suites = readSuites(await readFile(path, 'utf8'));
  const ends: (() => Promise<void>)[] = [];
  const startedMs = performance.now();
  const seconds = (): string => `${Math.round((performance.now() - startedMs) / 1_000)} s`;
  try {
    const evaluation = await runEvaluation({ after: (end) => void ends.unshift(end) }, suites, {
      stagesEach: readCount('--stages', options.stages),
      seed: readCount('--seed', options.seed, 0),
      tasksMax: Infinity,
      onPart: (part) => console.error(`${seconds()}: ${part}`),
    });
    const lines = judge(evaluation);
    console.log(printTable(lines));
    if (lines.some(({ isMet }) => !isMet)) process.exitCode = 1;
  } finally {
    for (const end of ends) await end(); // oxlint-disable-line no-await-in-loop -- in the order of their start, backwards
  }
}

import { parseArgs } from 'node:util';
import { examine } from './examine.ts';
import { plantedBugs } from './planted-bugs.ts';
import type { PlantedBug } from './planted-bugs.ts';
import { regressions } from './regressions.ts';
import { examineSpread } from './spread.ts';

/** Taken before the globals are unusable. */
const monotonic = performance.now.bind(performance);

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    pinned: { type: 'boolean', default: false },
    regressions: { type: 'boolean', default: false },
  },
});

await main();

/**
 * Simulates a range of seeds, or one, or those where a law was broken once; or hunts for the planted bugs, or looks for each at the
 * seed where it was found, first. Exits with 1 when a law was broken or a bug not found.
 */
async function main(): Promise<void> {
  const count = options.seed === undefined ? Number(options.seeds) : 1;
  const from = Number(options.seed ?? options.from);
  if (!(Number.isSafeInteger(count) && Number.isSafeInteger(from) && count > 0)) {
    console.error('--seeds, --from and --seed take whole numbers');
    process.exitCode = 2;
    return;
  }
  process.exitCode = (await choose(from, count)) ? 0 : 1;
}

async function choose(from: number, count: number): Promise<boolean> {
  if (options.regressions) return simulateAgain();
  return options.mutants || options.pinned ? hunt(from, count) : simulate(from, count);
}

async function simulate(from: number, count: number): Promise<boolean> {
  const startedMs = monotonic();
  const { trace, failures, failed, virtualMs, tally } = await examineSpread(from, count);
  const seconds = (monotonic() - startedMs) / 1_000;
  for (const { seed, violations } of failures) tell(seed, violations);
  console.log(
    JSON.stringify({
      seeds: count,
      failed,
      trace,
      seconds: Math.round(seconds),
      seedsPerSecond: Math.round(count / seconds),
      virtualMinutes: Math.round(virtualMs / 60_000),
      tally: Object.fromEntries(
        Object.entries(tally).sort(([one], [other]) => (one < other ? -1 : 1)),
      ),
    }),
  );
  return failed === 0;
}

/** Plays the worlds in which a law was broken once. */
async function simulateAgain(): Promise<boolean> {
  let failed = 0;
  for (const seed of regressions.keys()) {
    const { violations } = await examine(seed);
    if (violations.length > 0) failed += 1;
    tell(seed, violations);
  }
  console.log(JSON.stringify({ seeds: regressions.size, failed }));
  return failed === 0;
}

/** What was broken, and the command that shows it again. */
function tell(seed: number, violations: readonly string[]): void {
  if (violations.length === 0) return;
  for (const violation of violations.slice(0, 5)) console.error(`seed ${seed}: ${violation}`);
  console.error(`node testkit/src/simulation/main.ts --seed ${seed}`);
}

/** Looks for every planted bug until its law finds it; where it was found before, first, if asked to. */
async function hunt(from: number, count: number): Promise<boolean> {
  let isAllFound = true;
  for (const [name, bug] of Object.entries(plantedBugs)) {
    const pinned = options.pinned ? await findSeed({ from: bug.seed, count: 1 }, bug) : undefined;
    const seed = pinned ?? (await findSeed({ from, count }, bug));
    isAllFound &&= seed !== undefined;
    console.log(JSON.stringify({ bug: name, law: bug.law, seed: seed ?? null }));
  }
  return isAllFound;
}

async function findSeed(
  { from, count }: { readonly from: number; readonly count: number },
  bug: PlantedBug,
): Promise<number | undefined> {
  for (let seed = from; seed < from + count; seed += 1) {
    const { violations } = await examine(seed, bug);
    if (violations.some((violation) => violation.startsWith(`${bug.law}:`))) return seed;
  }
  return undefined;
}

import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { plantedBugs } from './mutants.ts';
import { poisonGlobals } from './poison.ts';
import { replay, simulateSeed } from './simulate.ts';
import type { Mutant, Simulated } from './simulate.ts';

/** Taken before the globals are unusable. */
const monotonic = performance.now.bind(performance);

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    mutants: { type: 'boolean', default: false },
  },
});

await main();

/** Simulates a range of seeds, or one, or hunts for the planted bugs; exits with 1 when a law was broken or a bug not found. */
async function main(): Promise<void> {
  const count = options.seed === undefined ? Number(options.seeds) : 1;
  const from = Number(options.seed ?? options.from);
  if (!(Number.isSafeInteger(count) && Number.isSafeInteger(from) && count > 0)) {
    console.error('--seeds, --from and --seed take whole numbers');
    process.exitCode = 2;
    return;
  }
  const isSound = options.mutants ? await hunt(from, count) : await simulateRange(from, count);
  process.exitCode = isSound ? 0 : 1;
}

async function simulateRange(from: number, count: number): Promise<boolean> {
  const trace = createHash('sha256');
  const tally = new Map<string, number>();
  const failures: { readonly seed: number; readonly violations: readonly string[] }[] = [];
  let virtualMs = 0;
  const startedMs = monotonic();
  for (let seed = from; seed < from + count; seed += 1) {
    const simulated = await examine(seed);
    trace.update(simulated.traceHash);
    virtualMs += simulated.virtualMs;
    for (const name of [...simulated.endings, ...simulated.sights]) {
      tally.set(name, (tally.get(name) ?? 0) + 1);
    }
    if (simulated.violations.length > 0) failures.push({ seed, violations: simulated.violations });
  }
  const seconds = (monotonic() - startedMs) / 1_000;
  for (const { seed, violations } of failures.slice(0, 20)) {
    for (const violation of violations.slice(0, 5)) console.error(`seed ${seed}: ${violation}`);
    console.error(`node testkit/src/simulation/main.ts --seed ${seed}`);
  }
  console.log(
    JSON.stringify({
      seeds: count,
      failed: failures.length,
      trace: trace.digest('hex'),
      worldsPerSecond: Math.round((3 * count) / seconds),
      virtualMinutes: Math.round(virtualMs / 60_000),
      tally: Object.fromEntries([...tally].sort(([one], [other]) => (one < other ? -1 : 1))),
    }),
  );
  return failures.length === 0;
}

/** Simulates a seed twice and replays it from its recording: all three must be the same. */
async function examine(seed: number, mutant?: Mutant): Promise<Simulated> {
  const touched = new Set<string>();
  const restore = poisonGlobals((name) => touched.add(name));
  try {
    const first = await simulateSeed(seed, mutant);
    const again = await simulateSeed(seed, mutant);
    const replayed = await replay(first.recording, mutant);
    const violations = [...first.violations];
    for (const name of touched) violations.push(`poison: ${name} was touched`);
    if (again.traceHash !== first.traceHash || again.eventsHash !== first.eventsHash) {
      violations.push('I20: the same seed gave something else the second time');
    }
    if (replayed.eventsHash !== first.eventsHash) {
      violations.push('I20: the replay gave other events');
    }
    return { ...first, violations };
  } finally {
    restore();
  }
}

/** Looks for every planted bug until its law finds it. */
async function hunt(from: number, count: number): Promise<boolean> {
  let isAllFound = true;
  for (const [name, bug] of Object.entries(plantedBugs)) {
    const seed = await findSeed(from, count, bug);
    isAllFound &&= seed !== undefined;
    console.log(JSON.stringify({ bug: name, law: bug.law, seed: seed ?? null }));
  }
  return isAllFound;
}

async function findSeed(
  from: number,
  count: number,
  bug: Mutant & { readonly law: string },
): Promise<number | undefined> {
  for (let seed = from; seed < from + count; seed += 1) {
    const { violations } = await examine(seed, bug);
    if (violations.some((violation) => violation.startsWith(`${bug.law}:`))) return seed;
  }
  return undefined;
}

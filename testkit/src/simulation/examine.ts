import { sha256Hex } from '@modelhost/kernel';
import { poisonGlobals } from './poison.ts';
import { replay, simulateSeed } from './simulate.ts';
import type { Mutant, Simulated } from './simulate.ts';

/**
 * Simulates a seed, and the same world again from its recording, with nothing drawn: both must be the same in everything that
 * happens. The globals of the process are unusable meanwhile.
 */
export async function examine(seed: number, mutant?: Mutant): Promise<Simulated> {
  const touched = new Set<string>();
  const restore = poisonGlobals((name) => touched.add(name));
  try {
    const first = await simulateSeed(seed, mutant);
    const again = await replay(first.recording, mutant);
    const violations = [...first.violations];
    for (const name of touched) violations.push(`poison: ${name} was touched`);
    if (again.eventsHash !== first.eventsHash) {
      violations.push('I20: the same world told other events the second time');
    } else if (again.traceHash !== first.traceHash) {
      violations.push('I20: the same world did something else the second time');
    }
    return { ...first, violations };
  } finally {
    restore();
  }
}

/** What came of seeds that follow on each other. */
export interface Examined {
  /** Hash of everything that happened in all of them. */
  readonly trace: string;
  /** Seeds that broke a law, the first few of them. */
  readonly failures: readonly { readonly seed: number; readonly violations: readonly string[] }[];
  readonly failed: number;
  readonly virtualMs: number;
  /** How often each ending and each other sight was seen. */
  readonly tally: Readonly<Record<string, number>>;
}

const failuresMax = 20;

/** Examines `count` seeds. */
export async function examineRange(from: number, count: number): Promise<Examined> {
  const parts: Examined[] = [];
  for (let seed = from; seed < from + count; seed += 1) {
    const { violations, traceHash, virtualMs, endings, sights } = await examine(seed);
    const tally: Record<string, number> = {};
    for (const name of [...endings, ...sights]) tally[name] = (tally[name] ?? 0) + 1;
    const failures = violations.length > 0 ? [{ seed, violations }] : [];
    parts.push({ trace: traceHash, failures, failed: failures.length, virtualMs, tally });
  }
  return joinExamined(parts);
}

/** Puts together what came of several ranges, in their order. */
export function joinExamined(parts: readonly Examined[]): Examined {
  const tally: Record<string, number> = {};
  for (const part of parts) {
    for (const [name, count] of Object.entries(part.tally))
      tally[name] = (tally[name] ?? 0) + count;
  }
  return {
    trace: sha256Hex(parts.map(({ trace }) => trace).join()),
    failures: parts.flatMap(({ failures }) => failures).slice(0, failuresMax),
    failed: parts.reduce((sum, { failed }) => sum + failed, 0),
    virtualMs: parts.reduce((sum, { virtualMs }) => sum + virtualMs, 0),
    tally,
  };
}

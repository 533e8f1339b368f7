import { setImmediate } from 'node:timers/promises';
import type { Decision } from '@modelhost/kernel';
import { createPolicyEngine } from '../policy-engine.ts';
import { singleSource } from '../rule-set.ts';
import type { RuleSet } from '../rule-set.ts';
import { compareDecision } from './expectation.ts';
import type { BundleTest } from './read-tests.ts';

/** How the tests of a bundle went. */
export interface TestReport {
  /** Every test passed and every rule was hit. */
  readonly isPassed: boolean;
  readonly tests: readonly TestResult[];
  /** Rules that applied in no test; sorted by id. */
  readonly neverHit: readonly RulePlace[];
  readonly ruleCount: number;
}

/** How one test went. */
export interface TestResult {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  /** What is not as expected, a line each; none when it passed. */
  readonly problems: readonly string[];
  readonly decision: Decision;
}

/** A rule and where it is written. */
export interface RulePlace {
  readonly id: string;
  /** `file:line:column`. */
  readonly place: string;
}

/** Asks the rules each question of the tests, and finds out which rules apply. Lets others run between two questions. */
export async function runBundleTests(
  ruleSet: RuleSet,
  tests: readonly BundleTest[],
): Promise<TestReport> {
  const engine = createPolicyEngine({ source: singleSource(ruleSet) });
  const all = [...ruleSet.authorize.rules, ...ruleSet.oblige.rules];
  const results: TestResult[] = [];
  // Ids are unique in both sets together.
  const missing = new Set(all.map(({ id }) => id));
  for (const { file, line, name, request, expect } of tests) {
    await setImmediate();
    const decision = await engine.decide(request);
    for (const { rule } of decision.reasons) missing.delete(rule);
    results.push({ file, line, name, problems: compareDecision(expect, decision), decision });
  }
  // A forbid hides the permits, and obligations do not say whose they are: only an explanation does, at some fifty times the cost.
  for (const { request } of tests) {
    if (missing.size === 0) break;
    await setImmediate();
    // A rule that is not asked does not apply.
    if (!engine.rulesAbout(request).some(({ id }) => missing.has(id))) continue;
    const { rules } = await engine.explain(request);
    for (const { id, state } of rules) if (state === 'applies') missing.delete(id);
  }
  const neverHit = all
    .filter(({ id }) => missing.has(id))
    .map(({ id, place }) => ({ id, place }))
    .sort((one, other) => (one.id < other.id ? -1 : 1));
  const isPassed = neverHit.length === 0 && results.every(({ problems }) => problems.length === 0);
  return { isPassed, tests: results, neverHit, ruleCount: all.length };
}

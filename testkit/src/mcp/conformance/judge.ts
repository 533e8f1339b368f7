/** What a run of the suite has to show. */
import type { Revision, Scenario, SuiteRun } from './suite.ts';

/** A run, and what should have arrived at the upstream but did not. */
export interface Run extends SuiteRun {
  readonly name: string;
  readonly mode: 'server' | 'client';
  readonly revision: Revision;
  readonly missing: readonly string[];
}

/** How many scenarios each revision requires; a suite that runs fewer is another suite. */
const requiredCounts: Readonly<Record<Revision, Readonly<Record<Run['mode'], number>>>> = {
  '2026-07-28': { server: 37, client: 32 },
  '2025-11-25': { server: 30, client: 18 },
};

/** Of the ten scenarios for tasks; the tenth is skipped by the suite itself. */
const tasksMin = 9;

/** Not required by a revision, and passed all the same. */
const passedAnyway: readonly string[] = [
  'json-schema-2020-12',
  'http-header-validation',
  'http-custom-header-server-validation',
  'server-session-lifecycle',
  'server-sse-polling',
];

/** Everything that is wrong with a run, in words; empty when it shows what it has to. */
export function judge(run: Run): readonly string[] {
  const { scenarios, mode, revision, missing } = run;
  const required = scenarios.filter(({ isRequired }) => isRequired);
  const count = requiredCounts[revision][mode];
  const must = scenarios.filter(
    ({ name, isRequired }) => isRequired || (mode === 'server' && passedAnyway.includes(name)),
  );
  return [
    ...(required.length === count ? [] : [`${required.length} of ${count} scenarios were run`]),
    ...must.filter((scenario) => !isPassed(scenario)).flatMap(describeFailure),
    ...judgeTasks(run),
    ...missing,
  ];
}

function judgeTasks({ scenarios, mode, revision }: Run): readonly string[] {
  if (mode !== 'server' || revision !== '2026-07-28') return [];
  const tasks = tasksOf(scenarios);
  const passed = tasks.filter((scenario) => scenario.passed > 0 && isPassed(scenario));
  if (passed.length >= tasksMin) return [];
  return [
    `${passed.length} of ${tasks.length} scenarios for tasks passed; at least ${tasksMin}`,
    ...tasks.filter((scenario) => !isPassed(scenario)).flatMap(describeFailure),
  ];
}

/** One line of the table. */
export function describeRun({ scenarios, name, mode, revision, seconds }: Run): string {
  const required = scenarios.filter(({ isRequired }) => isRequired);
  const others = scenarios.filter(({ isRequired }) => !isRequired);
  const tasks = tasksOf(scenarios);
  return [
    mode.padEnd(7),
    name.padEnd(13),
    revision,
    `${share(required)} required`.padStart(16),
    `${share(others)} others`.padStart(14),
    tasks.length === 0 ? ''.padEnd(13) : `${share(tasks)} tasks`.padStart(13),
    `${seconds.toFixed(0)} s`.padStart(6),
  ].join(' ');
}

function share(scenarios: readonly Scenario[]): string {
  return `${scenarios.filter(isPassed).length}/${scenarios.length}`;
}

function tasksOf(scenarios: readonly Scenario[]): readonly Scenario[] {
  return scenarios.filter(({ name }) => name.startsWith('tasks-'));
}

function isPassed({ failed }: Scenario): boolean {
  return failed === 0;
}

function describeFailure({ name, problems }: Scenario): readonly string[] {
  return problems.length === 0
    ? [`${name} failed`]
    : problems.map((problem) => `${name}: ${problem}`);
}

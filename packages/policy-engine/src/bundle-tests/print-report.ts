import type { TestReport, TestResult } from './run-tests.ts';

const shownMax = 50;

/**
 * A report as people read it: the tests by file, or only those that failed, what is wrong with them, the rules without a test,
 * the sum.
 */
export function printTestReport(
  { tests, neverHit, ruleCount }: TestReport,
  shown: 'all' | 'failed' = 'all',
): string {
  const failed = tests.filter(({ problems }) => problems.length > 0);
  const files = Map.groupBy(shown === 'all' ? tests : failed, ({ file }) => file);
  const blocks = [...files].map(([file, ofFile]) =>
    [file, ...ofFile.flatMap(printTest)].join('\n'),
  );
  if (neverHit.length > 0) {
    const width = Math.max(...neverHit.map(({ id }) => id.length));
    const lines = neverHit
      .slice(0, shownMax)
      .map(({ id, place }) => `  ${id.padEnd(width)}  ${place}`);
    const rest = neverHit.length - lines.length;
    if (rest > 0) lines.push(`  and ${rest} more`);
    blocks.push(['No test ever hits these rules; write one for each:', ...lines].join('\n'));
  }
  const sum = failed.length === 0 ? 'all passed' : `${failed.length} failed`;
  blocks.push(
    `${counted(tests.length, 'test')}, ${sum}; ${ruleCount - neverHit.length} of ${counted(ruleCount, 'rule')} hit`,
  );
  return `${blocks.join('\n\n')}\n`;
}

function printTest({ file, line, name, problems }: TestResult): readonly string[] {
  if (problems.length === 0) return [`  ✔ ${name}`];
  return [`  ✖ ${name}  (${file}:${line})`, ...problems.map((problem) => `      ${problem}`)];
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

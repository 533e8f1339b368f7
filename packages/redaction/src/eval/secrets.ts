import { join } from 'node:path';
import { readEncoded } from '../import/sources.ts';
import { createDetectors, type Detectors } from '../index.ts';

interface ExampleRecord {
  readonly source: string;
  readonly id: string;
  readonly examples: readonly string[];
  readonly negatives: readonly string[];
}

interface CaseRecord {
  readonly source: string;
  readonly rule: string;
  readonly tp: readonly string[];
  readonly fp: readonly string[];
}

/** What the secret rules did with one kind of text of one source. */
export interface SecretScore {
  readonly set: string;
  readonly texts: number;
  /** Texts in which something was found. */
  readonly found: number;
  /** Of positives so many at least, of negatives so many at most. */
  readonly bound: Bound | null;
  /** Rule and place of the texts that were answered wrongly; never the texts. */
  readonly wrong: readonly string[];
}

interface Bound {
  readonly atLeast: boolean;
  readonly count: number;
}

type Row = readonly [rule: string, texts: readonly string[]];

/**
 * Runs the secret rules over the examples and counter-examples that others gave. A counter-example
 * counts as flagged whichever rule flags it; beside it stands how many its own rule flags.
 */
export function scoreSecrets(directory: string): readonly SecretScore[] {
  // Both files are made by scripts and have these forms.
  const examples = readEncoded(
    join(directory, 'secret-examples-dev.json'),
  ) as readonly ExampleRecord[];
  const cases = readEncoded(join(directory, 'gitleaks-cases.json')) as readonly CaseRecord[];
  const detectors = createDetectors({ detectors: ['secrets'] });
  const positives = examples.map((row): Row => [row.id, row.examples]);
  const negatives = examples.map((row): Row => [row.id, row.negatives]);
  const rightOf = (source: string): readonly Row[] =>
    cases.filter((row) => row.source === source).map((row): Row => [row.rule, row.tp]);
  const wrongOf = (source: string): readonly Row[] =>
    cases.filter((row) => row.source === source).map((row): Row => [row.rule, row.fp]);
  const gitleaks = 'gitleaks/gitleaks';
  const betterleaks = 'betterleaks/betterleaks';
  return [
    score(detectors, 'secret-examples-dev positives', positives, { atLeast: true, count: 893 }),
    score(detectors, 'secret-examples-dev negatives', negatives, null),
    score(detectors, 'secret-examples-dev negatives, own rule', negatives, null),
    score(detectors, 'gitleaks true positives', rightOf(gitleaks), { atLeast: true, count: 207 }),
    score(detectors, 'gitleaks false positives', wrongOf(gitleaks), { atLeast: false, count: 40 }),
    // The rules of gitleaks flag 15 and 81 of them.
    score(
      detectors,
      'negatives and false positives together',
      [...negatives, ...wrongOf(gitleaks)],
      {
        atLeast: false,
        count: 48,
      },
    ),
    score(detectors, 'gitleaks false positives, own rule', wrongOf(gitleaks), null),
    score(detectors, 'betterleaks true positives', rightOf(betterleaks), null),
    score(detectors, 'betterleaks false positives', wrongOf(betterleaks), null),
    score(detectors, 'betterleaks false positives, own rule', wrongOf(betterleaks), null),
  ];
}

function score(
  detectors: Detectors,
  set: string,
  rows: readonly Row[],
  bound: Bound | null,
): SecretScore {
  const isNegative = set.includes('negatives') || set.includes('false');
  const wrong: string[] = [];
  let texts = 0;
  let found = 0;
  for (const [rule, list] of rows) {
    for (const [index, text] of list.entries()) {
      const { findings, isExhausted } = detectors.find(text);
      const counted = set.endsWith('own rule')
        ? findings.filter(({ detector }) => detector === rule)
        : findings;
      // What is masked for want of budget is a false alarm where nothing is, and no find where something is.
      const isHit = counted.length > 0 || (isNegative && isExhausted);
      texts += 1;
      found += isHit ? 1 : 0;
      if (isHit === isNegative) {
        wrong.push(`${rule}#${index}`);
      }
    }
  }
  return { set, texts, found, bound, wrong };
}

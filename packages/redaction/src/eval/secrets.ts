import { join } from 'node:path';
import { readEncoded } from '../import/sources.ts';
import { createGitleaks } from './gitleaks.ts';
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
  /** Texts in which gitleaks' own rules find something. */
  readonly byGitleaks: number;
  /** Of positives so many at least, of negatives so many at most. */
  readonly bound: Bound | null;
  /** Rule and place of the texts that were answered wrongly; never the texts. */
  readonly wrong: readonly string[];
}

interface Bound {
  readonly atLeast: boolean;
  readonly count: number;
}

function readExamples(directory: string): readonly ExampleRecord[] {
  // The file is made by a script and has this form.
  return readEncoded(join(directory, 'secret-examples-dev.json')) as readonly ExampleRecord[];
}

/** The examples in which something is to be found. */
export function readExampleTexts(directory: string): readonly string[] {
  return readExamples(directory).flatMap(({ examples }) => examples);
}

type Row = readonly [rule: string, texts: readonly string[]];

/**
 * Runs the secret rules over the examples and counter-examples that others gave. A counter-example
 * counts as flagged whichever rule flags it; beside it stands how many its own rule flags.
 */
export function scoreSecrets(directory: string): readonly SecretScore[] {
  const examples = readExamples(directory);
  // Made by a script as well.
  const cases = readEncoded(join(directory, 'gitleaks-cases.json')) as readonly CaseRecord[];
  const positives = examples.map((row): Row => [row.id, row.examples]);
  const negatives = examples.map((row): Row => [row.id, row.negatives]);
  const rightOf = (source: string): readonly Row[] =>
    cases.filter((row) => row.source === source).map((row): Row => [row.rule, row.tp]);
  const wrongOf = (source: string): readonly Row[] =>
    cases.filter((row) => row.source === source).map((row): Row => [row.rule, row.fp]);
  const gitleaks = 'gitleaks/gitleaks';
  const betterleaks = 'betterleaks/betterleaks';
  const run = createScoring(createDetectors({ detectors: ['secrets'] }), createGitleaks(directory));
  const wrongs = [...negatives, ...wrongOf(gitleaks)];
  return [
    run('secret-examples-dev positives', positives, atLeast95),
    run('secret-examples-dev negatives', negatives),
    run('secret-examples-dev negatives, own rule', negatives),
    run('gitleaks true positives', rightOf(gitleaks), atLeast95),
    run('gitleaks false positives', wrongOf(gitleaks), atMostHalf),
    run('negatives and false positives together', wrongs, atMostHalf),
    run('gitleaks false positives, own rule', wrongOf(gitleaks)),
    run('betterleaks true positives', rightOf(betterleaks)),
    run('betterleaks false positives', wrongOf(betterleaks)),
    run('betterleaks false positives, own rule', wrongOf(betterleaks)),
  ];
}

type Limit = (texts: number, byGitleaks: number) => Bound;

const atLeast95: Limit = (texts) => ({ atLeast: true, count: Math.ceil(0.95 * texts) });
const atMostHalf: Limit = (_, byGitleaks) => ({
  atLeast: false,
  count: Math.floor(byGitleaks / 2),
});

function createScoring(
  detectors: Detectors,
  isFoundByGitleaks: (text: string) => boolean,
): (set: string, rows: readonly Row[], limit?: Limit) => SecretScore {
  return (set, rows, limit) => {
    const texts = rows.flatMap(([, list]) => list);
    const byGitleaks = texts.filter(isFoundByGitleaks).length;
    return {
      ...score(detectors, set, rows),
      byGitleaks,
      bound: limit?.(texts.length, byGitleaks) ?? null,
    };
  };
}

function score(
  detectors: Detectors,
  set: string,
  rows: readonly Row[],
): Omit<SecretScore, 'byGitleaks' | 'bound'> {
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
  return { set, texts, found, wrong };
}

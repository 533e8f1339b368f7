import { join } from 'node:path';
import { readEncoded } from '../import/sources.ts';
import { createDetectors } from '../index.ts';

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
  /** Rule and place of the texts that were answered wrongly; never the texts. */
  readonly wrong: readonly string[];
}

/** Runs the secret rules over the examples and counter-examples that others gave. */
export function scoreSecrets(directory: string): readonly SecretScore[] {
  const examples = readEncoded(
    join(directory, 'secret-examples-dev.json'),
  ) as readonly ExampleRecord[];
  const cases = readEncoded(join(directory, 'gitleaks-cases.json')) as readonly CaseRecord[];
  const detectors = createDetectors({ detectors: ['secrets'] });
  const isFound = (text: string): boolean => {
    const { findings, isExhausted } = detectors.find(text);
    return findings.length > 0 || isExhausted;
  };

  function score(
    set: string,
    rows: readonly (readonly [string, readonly string[]])[],
    wanted: boolean,
  ) {
    const wrong: string[] = [];
    let texts = 0;
    let found = 0;
    for (const [id, list] of rows) {
      for (const [index, text] of list.entries()) {
        const hit = isFound(text);
        texts += 1;
        found += hit ? 1 : 0;
        if (hit !== wanted) {
          wrong.push(`${id}#${index}`);
        }
      }
    }
    return { set, texts, found, wrong };
  }

  const own = (source: string): readonly CaseRecord[] =>
    cases.filter((row) => row.source === source);
  return [
    score(
      'secret-examples-dev positives',
      examples.map((row) => [row.id, row.examples]),
      true,
    ),
    score(
      'secret-examples-dev negatives',
      examples.map((row) => [row.id, row.negatives]),
      false,
    ),
    ...['gitleaks/gitleaks', 'betterleaks/betterleaks'].flatMap((source) => [
      score(
        `${source} true positives`,
        own(source).map((row) => [row.rule, row.tp]),
        true,
      ),
      score(
        `${source} false positives`,
        own(source).map((row) => [row.rule, row.fp]),
        false,
      ),
    ]),
  ];
}

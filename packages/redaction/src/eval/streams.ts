import { createDetectors, createRedactor, detectorNames, type Detectors } from '../index.ts';
import { readCaseTexts, readSentenceTexts } from './personal.ts';
import { readExampleTexts } from './secrets.ts';

/** What is found of one kind when texts come as streams, against when they are looked at as wholes. */
export interface StreamScore {
  readonly name: string;
  /** Findings in whole texts. */
  readonly whole: number;
  /** Of them, those that a stream hides as well. */
  readonly streamed: number;
  readonly wrong: readonly number[];
}

/** Every set of texts, each with the detectors that it is about. */
export function scoreAllStreams(directory: string): readonly StreamScore[] {
  const personal = createDetectors({
    detectors: detectorNames.filter((name) => name !== 'secrets'),
  });
  return [
    score('Presidio cases', readCaseTexts(directory), personal),
    score('labelled sentences', readSentenceTexts(directory), personal),
    score(
      'secret-examples-dev positives',
      readExampleTexts(directory),
      createDetectors({ detectors: ['secrets'] }),
    ),
  ];
}

/** Counts the findings of whole texts that are hidden, every unit of them, when the text passes by in segments. */
function score(name: string, texts: readonly string[], detectors: Detectors): StreamScore {
  const redactor = createRedactor({ detectors, styles: {} });
  let whole = 0;
  let streamed = 0;
  const wrong: number[] = [];
  for (const [index, text] of texts.entries()) {
    const { findings } = detectors.find(text);
    const hidden = redactor.redact(text).findings;
    const kept = findings.filter(({ start, end }) =>
      hidden.some((each) => each.start <= start && each.end >= end),
    );
    whole += findings.length;
    streamed += kept.length;
    if (kept.length < findings.length) wrong.push(index);
  }
  return { name, whole, streamed, wrong };
}

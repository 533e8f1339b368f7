import { parentPort } from 'node:worker_threads';
import fc from 'fast-check';
import { detectorNames } from '../detector-names.ts';
import { createDetectors } from '../detectors.ts';
import { createLaws } from './laws.ts';
import type { Outcome, Task } from './main.ts';

const names = [...detectorNames, 'term'];
const detectors = createDetectors({ detectors: names, terms: ['Jane Doe', '田中'] });

parentPort?.on('message', ({ style, law, runs, seed }: Task) => {
  const chosen = createLaws(detectors, names, [style])[law];
  if (chosen === undefined) throw new RangeError(`there is no law ${law}`);
  const details = fc.check(chosen.property, { numRuns: runs, seed });
  const failure = details.failed ? fc.defaultReportMessage(details) : '';
  const outcome: Outcome = { law: chosen.name, runs: details.numRuns, failure: failure ?? '' };
  parentPort?.postMessage(outcome); // oxlint-disable-line unicorn/require-post-message-target-origin -- a thread has no origin
});

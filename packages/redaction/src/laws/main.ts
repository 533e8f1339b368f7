/**
 * Runs law L4 with all detectors: `npm run prove:redaction [-- --runs 100000 --seed 7]`. Exits with 1 when it does not hold,
 * and prints the case.
 */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { detectorNames } from '../detector-names.ts';
import { createDetectors } from '../detectors.ts';
import { createLaws } from './laws.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 2_147_483_647) },
  },
});
const names = [...detectorNames, 'term'];
const laws = createLaws(createDetectors({ detectors: names, terms: ['Jane Doe', '田中'] }), names);
const runs = Math.ceil(Number(values.runs) / laws.length);
const seed = Number(values.seed);

console.log(`seed ${seed}, all detectors, styles token, mask, hash, drop and placeholders`);
for (const { name, property } of laws) {
  const start = performance.now();
  const details = fc.check(property, { numRuns: runs, seed });
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  console.log(`${details.failed ? 'FAIL' : 'ok  '} ${name}: ${details.numRuns} runs, ${seconds} s`);
  if (details.failed) {
    console.log(fc.defaultReportMessage(details));
    process.exitCode = 1;
  }
}

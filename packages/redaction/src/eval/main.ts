import { existsSync } from 'node:fs';
import { scoreRecognizerCases, scoreSentences, type PersonalScore } from './personal.ts';
import { scoreAllStreams, type StreamScore } from './streams.ts';
import { scoreSecrets, type SecretScore } from './secrets.ts';

/*
 * Measures the detectors on texts whose answers others gave, and prints one table.
 * Usage: npm run eval:redaction [-- directory of the data] [--wrong]
 * Ends with 1 below a bound and with 2 if the data is not there.
 */

const wrongMax = 400;
const options = process.argv.slice(2);
const directory =
  options.find((option) => !option.startsWith('--')) ??
  new URL('../../../../../shared/data/redaction', import.meta.url).pathname;

if (existsSync(directory)) {
  process.exitCode = evaluate(directory) ? 0 : 1;
} else {
  console.error(`eval:redaction: ${directory} is not there; give the directory of the data`);
  process.exitCode = 2;
}

function evaluate(data: string): boolean {
  const secrets = scoreSecrets(data);
  const cases = scoreRecognizerCases(data);
  const sentences = scoreSentences(data);
  console.log(
    'secrets                                     texts  found     share      bound  gitleaks',
  );
  const areSecretsGood = secrets.map(printSecrets).every(Boolean);
  console.log(
    '\nPresidio cases                            wanted  found    extra   recall  precision',
  );
  cases.forEach(printPersonal);
  const areCasesGood = printSum('all claimed kinds', cases);
  console.log(
    '\nlabelled sentences                        wanted  found    extra   recall  precision',
  );
  sentences.forEach(printPersonal);
  const areSentencesGood = printSum('all claimed kinds', sentences);
  console.log('\nas streams                                  whole  streamed');
  const areStreamsGood = scoreAllStreams(data).map(printStream).every(Boolean);
  return areSecretsGood && areCasesGood && areSentencesGood && areStreamsGood;
}

function printSecrets({ set, texts, found, byGitleaks, bound, wrong }: SecretScore): boolean {
  const isGood = bound === null || (bound.atLeast ? found >= bound.count : found <= bound.count);
  const sign = bound === null ? '-' : `${bound.atLeast ? '>=' : '<='} ${bound.count}`;
  const cells = [set.padEnd(42), pad(texts), pad(found), percent(found, texts), sign.padStart(10)];
  cells.push((set.endsWith('own rule') ? '' : String(byGitleaks)).padStart(9));
  console.log(`${cells.join(' ')}${isGood ? '' : '  BELOW THE BOUND'}`);
  if (options.includes('--wrong')) {
    console.log(`  ${wrong.slice(0, wrongMax).join(' ')}`);
  }
  return isGood;
}

function printStream({ name, whole, streamed, wrong }: StreamScore): boolean {
  console.log(
    [name.padEnd(42), pad(whole), pad(streamed).padStart(9), percent(streamed, whole)].join(' '),
  );
  if (options.includes('--wrong') && wrong.length > 0) console.log(`  ${wrong.join(' ')}`);
  return streamed >= 0.95 * whole;
}

function printPersonal({ name, wanted, found, extra, wrong }: PersonalScore): void {
  const recall = percent(found, wanted);
  const precision = percent(found, found + extra);
  console.log([name.padEnd(42), pad(wanted), pad(found), pad(extra), recall, precision].join(' '));
  if (options.includes('--wrong') && wrong.length > 0) {
    console.log(`  ${wrong.join(' ')}`);
  }
}

function printSum(name: string, scores: readonly PersonalScore[]): boolean {
  const sum = { name, wanted: 0, found: 0, extra: 0, wrong: [] };
  for (const { wanted, found, extra } of scores) {
    sum.wanted += wanted;
    sum.found += found;
    sum.extra += extra;
  }
  printPersonal(sum);
  return sum.found >= 0.95 * sum.wanted && sum.found >= 0.95 * (sum.found + sum.extra);
}

function pad(count: number): string {
  return String(count).padStart(6);
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '      -' : `${((100 * part) / whole).toFixed(1)} %`.padStart(9);
}

/**
 * Our decision point beside Cedar with all rules at once, in one run: `npm run bench:policy [-- --rounds 7 --round-ms 400 --reloads 3]`.
 * Exits with 1 when a limit is not held or an answer is wrong.
 */
import { parseArgs } from 'node:util';
import { readCount } from '@modelhost/timing';
import { describeMachine } from '../report.ts';
import { createCompany, createDrafts } from './company.ts';
import { measureReload } from './reload.ts';
import * as report from './report.ts';
import { measureRounds, type Row, type Subject } from './rounds.ts';
import { askCedar, askHost, compileCompany } from './subjects.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    'round-ms': { type: 'string', default: '400' },
    reloads: { type: 'string', default: '3' },
  },
});
const sizes = [10, 100, 1_000, 10_000] as const;
const requests = 512;
const ours = 'model-host';

const companies = sizes.map(createCompany);
const subjects: Subject[] = [];
for (const company of companies) {
  const drafts = createDrafts(company, requests);
  const ruleSet = await compileCompany(company);
  const common = { company, drafts, isRepeated: false, isPrepared: true };
  subjects.push(
    { ...common, name: ours, decide: askHost(ruleSet) },
    { ...common, name: 'from memory', decide: askHost(ruleSet), isRepeated: true },
    { ...common, name: 'Cedar, all rules', decide: askCedar(company), isPrepared: false },
  );
}

console.log(describeMachine(false));
console.log(`medians of ${values.rounds} interleaved rounds of ${values['round-ms']} ms`);
console.log(
  '80 % permit a role a tool below a limit in its tenant, 20 % forbid after something untrusted was read;\n' +
    'no two requests are the same but from memory, where 512 come again and again\n',
);
const rows = await measureRounds(subjects, {
  rounds: readCount('--rounds', values.rounds),
  roundMs: readCount('--round-ms', values['round-ms']),
});
console.log(`${report.describeDecisions(rows)}\n`);
const reload = await measureReload(companyOf(10_000), readCount('--reloads', values.reloads));
console.log(`${report.describeReload(10_000, reload)}\n`);

const { flatMax, leanCpuMicrosMax, reloadAddedMsMax } = report.limits;
const lean = rowOf(1_000).cpuMicros;
const checks = [
  [`CPU with 10,000 rules over that with 10`, report.cpuRatio(rowOf(10_000), rowOf(10)), flatMax],
  [
    'CPU us of a lean request (two rules, one argument, an attribute of principal and resource)',
    lean,
    leanCpuMicrosMax,
  ],
  ['ms that a reload adds to the longest turn', reload.reloadMs - reload.idleMs, reloadAddedMsMax],
  ['wrong answers', rows.reduce((sum, { wrong }) => sum + wrong, 0), 0],
] as const;
for (const [name, value, max] of checks) console.log(report.describeLimit(name, value, max));
if (checks.some(([, value, max]) => !(value <= max))) process.exitCode = 1;

function rowOf(size: number): Row {
  const row = rows.find(({ subject }) => subject.name === ours && subject.company.rules === size);
  if (row === undefined) throw new Error(`${size} rules were not measured`);
  return row;
}

function companyOf(size: number) {
  const company = companies.find(({ rules }) => rules === size);
  if (company === undefined) throw new Error(`no company has ${size} rules`);
  return company;
}
